// A checkpoint's tensors to be written again, some of them changed.
#pragma once

#include <cstddef>
#include <vector>

#include "xlstm/weights/safetensors.h"

namespace xlstm {

struct CopiedTensors {
  explicit CopiedTensors(const TensorSource& source) {
    for (std::size_t i = 0; i < source.tensors().size(); ++i) {
      const TensorInfo& info = source.tensors()[i];
      bytes.push_back(source.read_all(i));
      tensors.push_back({info.name, info.dtype, info.shape, bytes.back()});
    }
  }

  std::vector<std::vector<std::byte>> bytes;  // what the tensors' spans are of
  std::vector<TensorToWrite> tensors;
};

}  // namespace xlstm
