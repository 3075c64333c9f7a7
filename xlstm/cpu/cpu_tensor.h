// The memory behind tensors of the CPU backend: row-major and contiguous.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/cpu/workspace.h"

namespace xlstm::cpu {

inline std::byte* data_of(const Tensor& tensor) {
  return static_cast<CpuData*>(tensor.data().get())->bytes;
}
inline float* floats_of(const Tensor& tensor) {
  return reinterpret_cast<float*>(data_of(tensor));
}
inline std::int32_t* ids_of(const Tensor& tensor) {
  return reinterpret_cast<std::int32_t*>(data_of(tensor));
}
inline std::size_t length(std::int64_t axis) {
  return static_cast<std::size_t>(axis);
}

}  // namespace xlstm::cpu
