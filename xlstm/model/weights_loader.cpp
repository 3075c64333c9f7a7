#include "xlstm/model/weights_loader.h"

#include <cstring>

#include "mlx/allocator.h"
#include "xlstm/base/dtype.h"
#include "xlstm/base/error.h"
#include "xlstm/base/hash.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

template <typename T>
T read_as(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);  // file offsets need not be aligned
  return value;
}

float read_float(const std::byte* at, DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return read_as<float>(at);
    case DType::kBF16:
      return float_from_bf16(read_as<std::uint16_t>(at));
    case DType::kF16:
      return float_from_f16(read_as<std::uint16_t>(at));
    case DType::kF64:
      return static_cast<float>(read_as<double>(at));
    default:
      fail(ErrorKind::kInternal, "load", str("no conversion from ", name_of(dtype)));
  }
}

// `count` elements of `from` to float32 or bfloat16 at `to`; returns the bytes written.
std::size_t convert(const std::byte* from, DType dtype, std::size_t count, mx::Dtype target,
                    char* to) {
  const std::size_t item = size_of(dtype);
  const bool to_bf16 = target == mx::bfloat16;
  if ((to_bf16 && dtype == DType::kBF16) || (!to_bf16 && dtype == DType::kF32)) {
    std::memcpy(to, from, count * item);
  } else if (to_bf16) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint16_t bits = bf16_from_float(read_float(from + i * item, dtype));
      std::memcpy(to + 2 * i, &bits, 2);
    }
  } else if (dtype == DType::kBF16) {  // the common case, kept free of the switch
    for (std::size_t i = 0; i < count; ++i) {
      const float value = float_from_bf16(read_as<std::uint16_t>(from + 2 * i));
      std::memcpy(to + 4 * i, &value, 4);
    }
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      const float value = read_float(from + i * item, dtype);
      std::memcpy(to + 4 * i, &value, 4);
    }
  }
  return count * (to_bf16 ? 2 : 4);
}

mx::Shape mlx_shape(const Slot& slot) {
  mx::Shape shape;
  for (const std::int64_t length : slot.shape) {
    if (length > INT32_MAX) {
      fail_wanted(ErrorKind::kModel, slot.name, "axes below 2^31", to_string(slot.shape));
    }
    shape.push_back(static_cast<int>(length));
  }
  return shape;
}

mx::array load_slot(const Slot& slot, const TensorSource& source, mx::Dtype dtype, Hash& hash) {
  const auto elements = static_cast<std::size_t>(element_count(slot.shape).value());
  auto data = mx::allocator::malloc(elements * mx::size_of(dtype));
  auto* to = static_cast<char*>(data.buffer().raw_ptr());
  if (to == nullptr && elements > 0) {
    fail_wanted(ErrorKind::kMemory, slot.name, str(elements * mx::size_of(dtype), " bytes"),
                "none");
  }
  for (const std::size_t index : slot.sources) {
    const TensorInfo& info = source.tensors()[index];
    const auto bytes = source.bytes(index);
    hash.add(name_of(info.dtype));
    hash.add(bytes);
    to += convert(bytes.data(), info.dtype, bytes.size() / size_of(info.dtype), dtype, to);
    source.release(index);
  }
  return mx::array(std::move(data), mlx_shape(slot), dtype);
}

}  // namespace

mx::Dtype memory_dtype(const Slot& slot, mx::Dtype dtype) {
  return slot.keep_float32 ? mx::float32 : dtype;
}

LoadedWeights load_weights(const Plan& plan, const TensorSource& source, mx::Dtype dtype,
                           const std::function<void(double)>& on_progress) {
  LoadedWeights out;
  Hash hash;
  std::uint64_t done = 0;
  const std::uint64_t all = plan.bytes();
  for (const Node& node : plan.nodes) {
    for (const Slot& slot : node.slots) {
      hash.add(slot.name);
      for (const std::int64_t length : slot.shape) hash.add(static_cast<std::uint64_t>(length));
      mx::array array = load_slot(slot, source, memory_dtype(slot, dtype), hash);
      out.bytes += array.nbytes();
      out.arrays.emplace(slot.name, std::move(array));
      for (const std::size_t index : slot.sources) done += source.tensors()[index].bytes;
      if (on_progress && all > 0) on_progress(static_cast<double>(done) / static_cast<double>(all));
    }
  }
  out.fingerprint = hash.value();
  return out;
}

}  // namespace xlstm
