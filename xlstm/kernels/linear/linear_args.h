// What one call of linear() is about, for the kernels inside of it.
#pragma once

#include <cstddef>

#include "xlstm/kernels/linear/linear.h"

namespace xlstm::kernels {

struct LinearArgs {
  const float* x;  // [M, K]
  std::ptrdiff_t x_stride;
  const void* W;  // [N, K]
  WeightType type;
  const float* bias;  // [N] or nullptr
  float* y;           // [M, N]
  std::ptrdiff_t y_stride;
  std::size_t M, N, K;
};

// Rows [m0, m1) and columns [n0, n1) of y, for one thread, or a chunk of them (see
// interleaved_rows.h).
struct LinearRange {
  std::size_t m0, m1, n0, n1;
  std::size_t chunk = 0, chunks = 1;
};

// linear() for more than linear_dot_rows() rows, by way of packed panels. M, N, K > 0.
void linear_many_rows(ThreadPool& pool, const LinearArgs& a);

}  // namespace xlstm::kernels
