// Whole-number division that rounds up.
#pragma once

#include <concepts>
#include <type_traits>

namespace xlstm {

// count >= 0, divisor > 0.
template <std::integral T>
constexpr T ceil_div(T count, std::type_identity_t<T> divisor) {
  return (count + divisor - 1) / divisor;
}

// To a multiple of `multiple` > 0.
template <std::integral T>
constexpr T round_up(T count, std::type_identity_t<T> multiple) {
  return ceil_div(count, multiple) * multiple;
}

}  // namespace xlstm
