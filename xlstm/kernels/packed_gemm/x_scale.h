// How finely a group of x is rounded to signed bytes, by every kernel that multiplies bytes.
#pragma once

#include <cstdint>
#include <cstring>

namespace xlstm::kernels {

// The scale of a group of x, and what its elements are to be multiplied with.
struct XScale {
  float scale, inverse;
};

// `largest_bits`: of the largest magnitude of a group, as whole numbers order them. A group with
// NaN or infinity becomes NaN as a whole, one of the very smallest numbers 0.
inline __attribute__((always_inline)) XScale x_scale_of(std::int32_t largest_bits) {
  constexpr std::int32_t kInfinity = 0x7F800000, kSmallest = 0x0D800000;  // 2^-100
  if (largest_bits < kSmallest) return {0.0F, 0.0F};
  if (largest_bits >= kInfinity) return {__builtin_nanf(""), 0.0F};
  float largest;
  std::memcpy(&largest, &largest_bits, sizeof largest);
  return {largest / 127.0F, 127.0F / largest};
}

}  // namespace xlstm::kernels
