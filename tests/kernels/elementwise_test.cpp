#include "xlstm/kernels/elementwise/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/op_cases.h"

namespace xlstm::testing {
namespace {

constexpr std::size_t kCounts[] = {0, 1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 1023, 1024, 1025, 50'304};

using Binary = void (*)(ThreadPool&, const float*, const float*, float*, std::size_t);
using BinaryReference = void (*)(const float*, const float*, float*, std::size_t);

// A float64 sum or product of two floats is rounded to float32 as the exact one is (53 >= 2 * 24 +
// 2 bits), so the results are equal.
void expect_exact(Binary kernel, BinaryReference reference) {
  for_each_simd_target([&](const char* target) {
    for (const std::size_t count : kCounts) {
      std::mt19937_64 random(count);
      const std::vector<float> x = uniform_floats(count, 3.0F, random);
      const std::vector<float> z = uniform_floats(count, 1e-3F, random);
      std::vector<float> truth(count);
      reference(x.data(), z.data(), truth.data(), count);
      GuardedRows y(1, count, std::max<std::size_t>(count, 1), count % 3);
      kernel(test_pool(), x.data(), z.data(), y.data(), count);
      EXPECT_TRUE(y.intact()) << target << " wrote beyond " << count;
      EXPECT_EQ(y.values(), truth) << target << " " << count;
      std::vector<float> left = x, right = z;
      kernel(test_pool(), left.data(), z.data(), left.data(), count);
      kernel(test_pool(), x.data(), right.data(), right.data(), count);
      EXPECT_EQ(left, truth) << target << " " << count;
      EXPECT_EQ(right, truth) << target << " " << count;
    }
  });
}

TEST(ElementwiseKernel, SumsAreTheReferencesInPlaceToo) {
  expect_exact(kernels::add, kernels::add_reference);
}

TEST(ElementwiseKernel, ProductsAreTheReferencesInPlaceToo) {
  expect_exact(kernels::multiply, kernels::multiply_reference);
}

TEST(ElementwiseKernel, SigmoidKeepsItsBoundAtEveryLength) {
  for_each_simd_target([](const char* target) {
    for (const std::size_t count : kCounts) {
      for (const float range : {1e-3F, 5.0F, 200.0F}) {
        std::mt19937_64 random(count);
        std::vector<float> x = uniform_floats(count, range, random);
        std::vector<float> truth(count);
        kernels::sigmoid_reference(x.data(), truth.data(), count);
        GuardedRows y(1, count, std::max<std::size_t>(count, 1), count % 3);
        kernels::sigmoid(test_pool(), x.data(), y.data(), count);
        ASSERT_TRUE(y.intact()) << target << " wrote beyond " << count;
        for (std::size_t at = 0; at < count; ++at) {
          // as the header says, and the truth's own rounding
          const double bound = 5 * kUnitRoundoff * truth[at] + 0x1p-126;
          ASSERT_NEAR(y.at(0, at), truth[at], bound) << target << " of " << x[at];
        }
        kernels::sigmoid(test_pool(), x.data(), x.data(), count);
        ASSERT_EQ(x, y.values()) << target;
      }
    }
  });
}

TEST(ElementwiseKernel, SigmoidOfExtremes) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {-inf, -3e38F, 3e38F, inf, 0.0F, std::nanf("")};
  std::vector<float> y(x.size());
  kernels::sigmoid(test_pool(), x.data(), y.data(), x.size());
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[2], 1);
  EXPECT_EQ(y[3], 1);
  EXPECT_EQ(y[4], 0.5F);
  EXPECT_TRUE(std::isnan(y[5]));
}

TEST(ElementwiseKernel, ThreadCountDoesNotChangeABit) {
  std::mt19937_64 random(1);
  const std::vector<float> x = uniform_floats(100'001, 4.0F, random);
  const std::vector<float> z = uniform_floats(100'001, 4.0F, random);
  ThreadPool alone(1), three(3);
  std::vector<float> one(x.size()), many(x.size());
  kernels::sigmoid(alone, x.data(), one.data(), x.size());
  kernels::sigmoid(three, x.data(), many.data(), x.size());
  EXPECT_EQ(one, many);
  for (const Binary kernel : {kernels::add, kernels::multiply}) {
    kernel(alone, x.data(), z.data(), one.data(), x.size());
    kernel(three, x.data(), z.data(), many.data(), x.size());
    EXPECT_EQ(one, many);
  }
}

}  // namespace
}  // namespace xlstm::testing
