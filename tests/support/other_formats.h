// A checkpoint's tensors as NumPy and torch would write them.
#pragma once

#include <string>
#include <vector>

#include "tests/support/pickle_bytes.h"
#include "tests/support/zip_bytes.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {

inline std::string bytes_of(const TensorSource& source, std::size_t index) {
  const std::vector<std::byte> bytes = source.read_all(index);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string numpy_type(DType dtype) {
  if (dtype == DType::kBF16) return "|V2";
  return dtype == DType::kF16 ? "<f2" : "<f4";
}

// Of float tensors; deflated or stored, in either order of axes, with a member config.json where
// `config` is not empty.
inline std::string as_npz(const TensorSource& source, const std::string& config = "",
                          bool deflate = false) {
  std::vector<RawMember> members;
  for (std::size_t i = 0; i < source.tensors().size(); ++i) {
    const TensorInfo& info = source.tensors()[i];
    std::string shape;
    for (const std::int64_t axis : info.shape) shape += str(axis, ",");
    const std::string header = str("{'descr': '", numpy_type(info.dtype),
                                   "', 'fortran_order': False, 'shape': (", shape, "), }\n");
    const std::string content =
        str("\x93NUMPY\1", '\0', little_endian(header.size(), 2), header) + bytes_of(source, i);
    members.push_back(deflate ? RawMember::deflate(info.name + ".npy", content)
                              : RawMember::stored(info.name + ".npy", content));
  }
  if (!config.empty()) members.push_back(RawMember::stored("config.json", config));
  return raw_zip(members);
}

// The state dict under "state_dict", and these pickled hyper-parameters. Matrices lie transposed.
inline std::string as_torch(const TensorSource& source, const std::string& hyper_parameters = "N") {
  std::vector<std::string> state, storages;
  for (std::size_t i = 0; i < source.tensors().size(); ++i) {
    const TensorInfo& info = source.tensors()[i];
    const std::string bytes = bytes_of(source, i);
    const std::size_t item = size_of(info.dtype);
    std::string stored = bytes;
    std::vector<std::int64_t> strides(info.shape.size(), 1);
    if (info.shape.size() == 2) {
      const auto N = static_cast<std::size_t>(info.shape[0]);
      const auto K = static_cast<std::size_t>(info.shape[1]);
      strides[1] = info.shape[0];
      for (std::size_t row = 0; row < N; ++row) {
        for (std::size_t column = 0; column < K; ++column) {
          stored.replace((column * N + row) * item, item, bytes, (row * K + column) * item, item);
        }
      }
    } else {
      for (std::size_t axis = info.shape.size(); axis-- > 1;) {
        strides[axis - 1] = strides[axis] * info.shape[axis];
      }
    }
    const char* type = info.dtype == DType::kBF16  ? "BFloat16Storage"
                       : info.dtype == DType::kF16 ? "HalfStorage"
                                                   : "FloatStorage";
    state.push_back(pickled::text(info.name));
    state.push_back(pickled::tensor(
        pickled::storage(type, std::to_string(i), static_cast<std::int64_t>(bytes.size() / item)),
        0, info.shape, strides));
    storages.push_back(std::move(stored));
  }
  return pickled::torch_zip(
      pickled::file(pickled::dict({pickled::text("state_dict"), pickled::dict(state),
                                   pickled::text("hyper_parameters"), hyper_parameters})),
      storages);
}

}  // namespace xlstm
