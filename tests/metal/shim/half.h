// half and bfloat: every operation is one of float, rounded once. For +, -, *, / of two halves that
// is what half arithmetic gives: float has more than twice its digits.
#pragma once

#include "words.h"

namespace msl {

METAL_FUNC uint bits_of(float value) {
  uint bits;
  __builtin_memcpy(&bits, &value, 4);
  return bits;
}
METAL_FUNC float float_of(uint bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

// No arithmetic on denormal floats: the processor may be told to flush them.
MSL_QUIET inline float float_from_half(ushort half) {
  const uint sign = (half & 0x8000u) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 31) return float_of(sign | 0x7f800000u | fraction << 13);
  if (exponent != 0) return float_of(sign | (exponent + 112) << 23 | fraction << 13);
  const float small = float(int(fraction)) * 0x1p-24f;
  return sign != 0 ? -small : small;
}
MSL_QUIET inline ushort half_from_float(float value) {
  const uint bits = bits_of(value), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return ushort(sign | 0x7e00u);
  if (size >= 0x477ff000u) return ushort(sign | 0x7c00u);  // 65520 and more round to infinity
  if (size >= 0x38800000u) {                               // to nearest, ties to even
    const uint rounded = size + 0xfffu + (size >> 13 & 1);
    return ushort(sign | (rounded - 0x38000000u) >> 13);
  }
  if (size < 0x33000000u) return ushort(sign);  // below half of the smallest
  const uint fraction = (size & 0x7fffffu) | 0x800000u, shift = 126 - (size >> 23);
  const uint kept = fraction >> shift, rest = fraction & ((1u << shift) - 1),
             tie = 1u << (shift - 1);
  return ushort(sign | (kept + (rest > tie || (rest == tie && (kept & 1) != 0))));
}
METAL_FUNC float float_from_bfloat(ushort bits) {
  return float_of(uint(bits) << 16);
}
METAL_FUNC ushort bfloat_from_float(float value) {
  const uint bits = bits_of(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return ushort(bits >> 16 | 0x40u);
  return ushort((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

template <bool Condition, typename T>
struct only_if {};
template <typename T>
struct only_if<true, T> {
  using type = T;
};
template <typename T>
constexpr bool is_integer = false;
template <>
constexpr bool is_integer<bool> = true;
template <>
constexpr bool is_integer<char> = true;
template <>
constexpr bool is_integer<signed char> = true;
template <>
constexpr bool is_integer<uchar> = true;
template <>
constexpr bool is_integer<short> = true;
template <>
constexpr bool is_integer<ushort> = true;
template <>
constexpr bool is_integer<int> = true;
template <>
constexpr bool is_integer<uint> = true;
template <>
constexpr bool is_integer<long> = true;
template <>
constexpr bool is_integer<ulong> = true;

}  // namespace msl

struct half {
  ushort bits;

  half() = default;
  template <typename I, typename = typename msl::only_if<msl::is_integer<I>, I>::type>
  METAL_FUNC half(I value) : bits(msl::half_from_float(float(value))) {}
  METAL_FUNC half(float value) : bits(msl::half_from_float(value)) {}
  METAL_FUNC operator float() const { return msl::float_from_half(bits); }
};

// As in Metal no other type becomes a bfloat by itself.
struct bfloat {
  ushort bits;

  bfloat() = default;
  METAL_FUNC explicit bfloat(float value) : bits(msl::bfloat_from_float(value)) {}
  template <typename I, typename = typename msl::only_if<msl::is_integer<I>, I>::type>
  METAL_FUNC explicit bfloat(I value) : bfloat(float(value)) {}
  METAL_FUNC explicit bfloat(half value) : bfloat(float(value)) {}
  METAL_FUNC operator float() const { return msl::float_from_bfloat(bits); }
};

// Of two small numbers, or one and a whole number, the result is a Small; with a float a Wide.
#define MSL_SMALL_BINARY(T, op, Small, Wide)                                                \
  METAL_FUNC Small operator op(T a, T b) {                                                  \
    return Small(float(a) op float(b));                                                     \
  }                                                                                         \
  METAL_FUNC Wide operator op(T a, float b) {                                               \
    return float(a) op b;                                                                   \
  }                                                                                         \
  METAL_FUNC Wide operator op(float a, T b) {                                               \
    return a op float(b);                                                                   \
  }                                                                                         \
  template <typename I>                                                                     \
  METAL_FUNC typename msl::only_if<msl::is_integer<I>, Small>::type operator op(T a, I b) { \
    return Small(float(a) op float(b));                                                     \
  }                                                                                         \
  template <typename I>                                                                     \
  METAL_FUNC typename msl::only_if<msl::is_integer<I>, Small>::type operator op(I a, T b) { \
    return Small(float(a) op float(b));                                                     \
  }
#define MSL_SMALL_OPERATOR(T, op)           \
  MSL_SMALL_BINARY(T, op, T, float)         \
  template <typename U>                     \
  METAL_FUNC T& operator op##=(T& a, U b) { \
    return a = a op b;                      \
  }
#define MSL_SMALL_COMPARISON(T, op) MSL_SMALL_BINARY(T, op, bool, bool)
#define MSL_SMALL_TYPE(T)       \
  MSL_SMALL_OPERATOR(T, +)      \
  MSL_SMALL_OPERATOR(T, -)      \
  MSL_SMALL_OPERATOR(T, *)      \
  MSL_SMALL_OPERATOR(T, /)      \
  MSL_SMALL_COMPARISON(T, <)    \
  MSL_SMALL_COMPARISON(T, >)    \
  MSL_SMALL_COMPARISON(T, <=)   \
  MSL_SMALL_COMPARISON(T, >=)   \
  MSL_SMALL_COMPARISON(T, ==)   \
  MSL_SMALL_COMPARISON(T, !=)   \
  METAL_FUNC T operator-(T a) { \
    return T(-float(a));        \
  }
MSL_SMALL_TYPE(half)
MSL_SMALL_TYPE(bfloat)
