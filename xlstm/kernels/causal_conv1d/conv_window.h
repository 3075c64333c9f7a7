// The inputs that a convolution sees, and the window that is left of them.
#pragma once

#include <algorithm>
#include <cstddef>

#include "xlstm/kernels/causal_conv1d/causal_conv1d.h"

namespace xlstm::kernels {

// Input [C] of a row `before` tokens before its token `at`: from the window, where that is before
// the first.
inline const float* conv_input(const CausalConvArgs& a, const CausalConvTensors& t,
                               const ConvRow& row, std::size_t at, std::size_t before) {
  if (before <= at) return t.x + (row.first + at - before) * a.C;
  return row.window + (a.K - 1 + at - before) * a.C;
}

// The window after the row's tokens.
inline void move_window(const CausalConvArgs& a, const CausalConvTensors& t, const ConvRow& row) {
  const std::size_t size = a.K - 1, added = std::min(size, row.tokens);
  std::copy(row.window + added * a.C, row.window + size * a.C, row.window);
  std::copy_n(t.x + (row.first + row.tokens - added) * a.C, added * a.C,
              row.window + (size - added) * a.C);
}

}  // namespace xlstm::kernels
