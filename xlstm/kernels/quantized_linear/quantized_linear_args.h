// What one call of quantized_linear() is about, for the kernels inside of it.
#pragma once

#include <cstddef>

#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::kernels {

struct QuantizedLinearArgs {
  const float* x;  // [M, K]
  std::ptrdiff_t x_stride;
  QuantizedMatrix W;  // [N, K]
  const float* bias;  // [N] or nullptr
  float* y;           // [M, N]
  std::ptrdiff_t y_stride;
  std::size_t M, N, K;
};

}  // namespace xlstm::kernels
