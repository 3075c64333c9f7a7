#include "xlstm/base/floats.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

const std::vector<float> kValues = {0.0F, -0.0F, 1.0F, -2.5F, 65504.0F, 0x1p-14F, 0x1p-24F};

TEST(Floats, ThereAndBack) {
  for (const DType type : {DType::kF32, DType::kF16}) {
    std::vector<std::byte> bytes(kValues.size() * size_of(type) + 1);
    floats_to(kValues.data(), kValues.size(), type, bytes.data() + 1);  // unaligned
    std::vector<float> back(kValues.size());
    floats_from(bytes.data() + 1, type, kValues.size(), back.data());
    EXPECT_EQ(std::memcmp(back.data(), kValues.data(), kValues.size() * 4), 0) << name_of(type);
  }
}

TEST(Floats, Bf16IsRounded) {
  const float in[] = {1.0F + 0x1p-8F, 1.0F + 3 * 0x1p-8F, -3.0F};
  std::byte bytes[6];
  float out[3];
  floats_to(in, 3, DType::kBF16, bytes);
  floats_from(bytes, DType::kBF16, 3, out);
  EXPECT_EQ(out[0], 1.0F);
  EXPECT_EQ(out[1], 1.0F + 0x1p-6F);
  EXPECT_EQ(out[2], -3.0F);
}

TEST(Floats, FromDoubles) {
  const double in[] = {0.1, -1e300};
  float out[2];
  floats_from(reinterpret_cast<const std::byte*>(in), DType::kF64, 2, out);
  EXPECT_EQ(out[0], 0.1F);
  EXPECT_EQ(out[1], -std::numeric_limits<float>::infinity());
}

TEST(Floats, OnlyFloats) {
  float x = 0;
  std::byte bytes[8] = {};
  EXPECT_THROW(floats_from(bytes, DType::kU32, 1, &x), Error);
  EXPECT_THROW(floats_to(&x, 1, DType::kI8, bytes), Error);
}

TEST(Floats, FirstNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const float values[] = {1, 2, -infinity, nan};
  EXPECT_EQ(first_not_finite(values, 2), 2u);
  EXPECT_EQ(first_not_finite(values, 4), 2u);
  EXPECT_EQ(first_not_finite(values + 3, 1), 0u);
  EXPECT_EQ(first_not_finite(values, 0), 0u);
}

TEST(Floats, FirstThatATypeCannotHold) {
  const auto first = [](float value, DType type) {
    const float values[] = {0, -value};
    std::array<std::byte, 4> bytes{};
    floats_to(&value, 1, type, bytes.data());
    float back = 0;
    floats_from(bytes.data(), type, 1, &back);
    EXPECT_EQ(std::isfinite(back), first_not_finite(values, 2, type) == 2) << value;
    return first_not_finite(values, 2, type);
  };
  EXPECT_EQ(first(65504, DType::kF16), 2U);
  EXPECT_EQ(first(std::nextafter(65520.0F, 0.0F), DType::kF16), 2U);
  EXPECT_EQ(first(65520, DType::kF16), 1U);
  const float end = std::bit_cast<float>(0x7F7F8000U);  // half a step beyond bfloat16's largest
  EXPECT_EQ(first(std::nextafter(end, 0.0F), DType::kBF16), 2U);
  EXPECT_EQ(first(end, DType::kBF16), 1U);
  EXPECT_EQ(first(std::numeric_limits<float>::max(), DType::kF32), 2U);
  EXPECT_EQ(first(std::numeric_limits<float>::infinity(), DType::kF32), 1U);
}

}  // namespace
}  // namespace xlstm::testing
