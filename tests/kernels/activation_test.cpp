#include "xlstm/kernels/activation/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/row_cases.h"

namespace xlstm::testing {
namespace {

constexpr Activation kAll[] = {Activation::kSilu,  Activation::kGelu,    Activation::kRelu,
                               Activation::kRelu2, Activation::kSigmoid, Activation::kSelu};
constexpr std::size_t kCounts[] = {0, 1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 1023, 1025, 20'000};

// As the header says, and the truth's own rounding.
double error_bound(Activation f, double x, double y) {
  const double size = std::abs(y);
  switch (f) {
    case Activation::kSilu:
      return 6 * kUnitRoundoff * size + 0x1p-126 * std::abs(x);
    case Activation::kGelu:
      return 15 * kUnitRoundoff * std::abs(x);
    case Activation::kRelu:
      return 0;
    case Activation::kRelu2:
      return 2 * kUnitRoundoff * size;
    case Activation::kSigmoid:
      return 5 * kUnitRoundoff * size + 0x1p-126;
    case Activation::kSelu:
      return 13 * kUnitRoundoff * size;
  }
  return 0;
}

TEST(ActivationKernel, KeepsItsBoundsAtEveryLengthInPlaceToo) {
  for_each_simd_target([](const char* target) {
    for (const Activation f : kAll) {
      for (const std::size_t count : kCounts) {
        for (const float range : {1e-3F, 5.0F, 120.0F}) {
          std::mt19937_64 random(count);
          std::vector<float> x = uniform_floats(count, range, random);
          std::vector<float> truth(count);
          kernels::activate_reference(f, x.data(), truth.data(), count);
          GuardedRows y(1, count, std::max<std::size_t>(count, 1), count % 3);
          kernels::activate(test_pool(), f, x.data(), y.data(), count);
          ASSERT_TRUE(y.intact()) << target << " wrote beyond " << count;
          for (std::size_t at = 0; at < count; ++at) {
            ASSERT_NEAR(y.at(0, at), truth[at], error_bound(f, x[at], truth[at]))
                << target << ", function " << static_cast<int>(f) << " of " << x[at];
          }
          kernels::activate(test_pool(), f, x.data(), x.data(), count);
          ASSERT_EQ(x, y.values()) << target;
        }
      }
    }
  });
}

TEST(ActivationKernel, GatesAreTheFunctionTimesTheOtherHalf) {
  for_each_simd_target([](const char* target) {
    for (const Activation f : kAll) {
      for (const RowShape& shape : row_edge_shapes()) {
        std::mt19937_64 random(shape.width);
        const auto in = uniform_floats(shape.rows * 2 * shape.width, 4, random);
        std::vector<float> truth(shape.rows * shape.width);
        kernels::gated_reference(f, in.data(), truth.data(), shape.rows, shape.width);
        GuardedRows y(1, truth.size(), std::max<std::size_t>(truth.size(), 1), shape.rows % 3);
        kernels::gated(test_pool(), f, in.data(), y.data(), shape.rows, shape.width);
        ASSERT_TRUE(y.intact()) << target;
        for (std::size_t at = 0; at < truth.size(); ++at) {
          const float* const g = in.data() + at / shape.width * 2 * shape.width + at % shape.width;
          const double up = std::abs(static_cast<double>(g[shape.width]));
          const double value = up > 0 ? truth[at] / up : 0;
          ASSERT_NEAR(y.at(0, at), truth[at],
                      up * error_bound(f, *g, value) + 2 * kUnitRoundoff * std::abs(truth[at]))
              << target << ", function " << static_cast<int>(f) << ", " << shape.rows << " x "
              << shape.width;
        }
      }
    }
  });
}

TEST(ActivationKernel, Extremes) {
  const float inf = std::numeric_limits<float>::infinity();
  const auto of = [](Activation f, float x) {
    float y = -1;
    kernels::activate(test_pool(), f, &x, &y, 1);
    return y;
  };
  for (const Activation f : kAll) {
    EXPECT_TRUE(std::isnan(of(f, std::nanf("")))) << static_cast<int>(f);
    EXPECT_EQ(of(f, 0), f == Activation::kSigmoid ? 0.5F : 0.0F) << static_cast<int>(f);
    EXPECT_EQ(of(f, inf), f == Activation::kSigmoid ? 1.0F : inf) << static_cast<int>(f);
  }
  EXPECT_EQ(of(Activation::kGelu, -40), 0);
  EXPECT_EQ(of(Activation::kGelu, 40), 40);
  EXPECT_EQ(of(Activation::kRelu, -inf), 0);
  EXPECT_NEAR(of(Activation::kSelu, -inf), -1.7580993F, 1e-6);
  EXPECT_NEAR(of(Activation::kGelu, 1), 0.8413447F, 15 * kUnitRoundoff);
}

TEST(ActivationKernel, ThreadCountDoesNotChangeABit) {
  std::mt19937_64 random(1);
  const std::vector<float> x = uniform_floats(100'002, 4.0F, random);
  ThreadPool alone(1), three(3);
  std::vector<float> one(x.size()), many(x.size());
  for (const Activation f : kAll) {
    kernels::activate(alone, f, x.data(), one.data(), x.size());
    kernels::activate(three, f, x.data(), many.data(), x.size());
    EXPECT_EQ(one, many);
    kernels::gated(alone, f, x.data(), one.data(), 3, x.size() / 6);
    kernels::gated(three, f, x.data(), many.data(), 3, x.size() / 6);
    EXPECT_EQ(one, many);
  }
}

}  // namespace
}  // namespace xlstm::testing
