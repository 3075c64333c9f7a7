#include "xlstm/base/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace xlstm {
namespace {

TEST(DType, NamesGoThereAndBack) {
  for (int i = 0; i <= static_cast<int>(DType::kF64); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
  }
  for (const char* name : {"", "f32", "F8_E4M3", "F32 ", "FLOAT"}) {
    EXPECT_EQ(dtype_from_name(name), std::nullopt) << name;
  }
}

TEST(DType, SizesAndKinds) {
  EXPECT_EQ(size_of(DType::kBool), 1U);
  EXPECT_EQ(size_of(DType::kI16), 2U);
  EXPECT_EQ(size_of(DType::kBF16), 2U);
  EXPECT_EQ(size_of(DType::kU32), 4U);
  EXPECT_EQ(size_of(DType::kF32), 4U);
  EXPECT_EQ(size_of(DType::kI64), 8U);
  EXPECT_EQ(size_of(DType::kF64), 8U);
  EXPECT_TRUE(is_float(DType::kF16));
  EXPECT_FALSE(is_float(DType::kU64));
}

// A half's value by its definition, in double.
double half_value(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const double fraction = bits & 1023;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(DType, EveryHalfIsItsValue) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = float_from_f16(static_cast<std::uint16_t>(bits));
    if ((bits >> 10 & 31) != 31) {
      ASSERT_EQ(value, half_value(static_cast<std::uint16_t>(bits))) << bits;
      ASSERT_EQ(std::signbit(value), bits >= 0x8000) << bits;
    } else if ((bits & 1023) == 0) {
      ASSERT_EQ(value, bits < 0x8000 ? INFINITY : -INFINITY);
    } else {
      ASSERT_TRUE(std::isnan(value)) << bits;
    }
  }
}

TEST(DType, EveryBf16ComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = float_from_bf16(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(float_from_bf16(bf16_from_float(value)))) << bits;
    } else {
      ASSERT_EQ(bf16_from_float(value), bits);
    }
  }
}

// The nearest of the two neighbours, the even one of two that are as near.
std::uint16_t nearest_even(float value) {
  const auto below = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16);
  const auto above = static_cast<std::uint16_t>(below + 1);
  // The value of an infinity here is the next power of two, as rounding to nearest has it.
  const auto as_double = [](std::uint16_t bits) {
    const double v = float_from_bf16(bits);
    return std::isinf(v) ? std::copysign(0x1p128, v) : v;
  };
  const double to_below = std::abs(value - as_double(below));
  const double to_above = std::abs(as_double(above) - value);
  if (to_below != to_above) return to_below < to_above ? below : above;
  return below % 2 == 0 ? below : above;
}

TEST(DType, Bf16RoundsToNearestEven) {
  std::mt19937 random(1);
  for (int i = 0; i < 300'000; ++i) {
    auto bits = static_cast<std::uint32_t>(random());
    if (i % 3 == 0) bits = (bits & 0xFFFF0000) | 0x8000;  // a tie
    const float value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(bf16_from_float(value), nearest_even(value)) << bits;
  }
  EXPECT_EQ(bf16_from_float(std::numeric_limits<float>::max()), 0x7F80);  // infinity
  EXPECT_EQ(bf16_from_float(-0.0F), 0x8000);
  // A NaN whose set bits are all in the half that is cut off.
  EXPECT_TRUE(std::isnan(float_from_bf16(bf16_from_float(std::bit_cast<float>(0x7F800001U)))));
}

// Every half, and what lies midway between two and beside that.
TEST(DType, F16RoundsToNearestEven) {
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const auto next = static_cast<std::uint16_t>(bits + 1);
    const float value = float_from_f16(half);
    ASSERT_EQ(f16_from_float(value), half);
    ASSERT_EQ(f16_from_float(-value), half | 0x8000);
    const float above = bits == 0x7BFF ? 65536.0F : float_from_f16(next);
    const float middle = 0.5F * (value + above);  // exact: a half has 13 bits less than a float
    ASSERT_EQ(f16_from_float(middle), bits % 2 == 0 ? half : next) << middle;
    ASSERT_EQ(f16_from_float(std::nextafter(middle, 0.0F)), half) << middle;
    ASSERT_EQ(f16_from_float(std::nextafter(middle, 1e9F)), next) << middle;
  }
  EXPECT_EQ(f16_from_float(1e30F), 0x7C00);
  EXPECT_EQ(f16_from_float(-std::numeric_limits<float>::infinity()), 0xFC00);
  EXPECT_EQ(f16_from_float(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_TRUE(std::isnan(float_from_f16(f16_from_float(std::bit_cast<float>(0x7F800001U)))));
}

}  // namespace
}  // namespace xlstm
