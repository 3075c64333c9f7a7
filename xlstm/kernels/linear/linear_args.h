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

// Rows [m0, m1) and columns [n0, n1) of y: one thread's share.
struct LinearPart {
  std::size_t m0, m1, n0, n1;
};

// Floats of x that a panel of the many-row path holds of each row, and their distance in the
// panel: a line more, so that rows do not fall into the same sets of the cache.
inline constexpr std::size_t kPanelDepth = 512;
inline constexpr std::size_t kPanelStride = kPanelDepth + 16;
// Rows of x that are packed together: 400 KiB.
inline constexpr std::size_t kPanelRows = 192;

}  // namespace xlstm::kernels
