// Whole-number division that rounds up.
#pragma once

#include <cstddef>

namespace xlstm {

// divisor > 0.
constexpr std::size_t ceil_div(std::size_t count, std::size_t divisor) {
  return (count + divisor - 1) / divisor;
}

// To a multiple of `multiple` > 0.
constexpr std::size_t round_up(std::size_t count, std::size_t multiple) {
  return ceil_div(count, multiple) * multiple;
}

}  // namespace xlstm
