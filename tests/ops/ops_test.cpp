// The ops around the cell against their float64 references.
#include "xlstm/ops/ops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/ops/self_test.h"

namespace xlstm::testing {
namespace {
namespace mx = mlx::core;

constexpr float kEps = std::numeric_limits<float>::epsilon();

std::vector<float> uniform(std::size_t count, float range, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> draw(-range, range);
  std::vector<float> out(count);
  for (float& x : out) x = draw(random);
  return out;
}

std::vector<float> values_of(const mx::array& a) {
  mx::array row_major = mx::contiguous(mx::astype(a, mx::float32));
  row_major.eval();
  return {row_major.data<float>(), row_major.data<float>() + row_major.size()};
}

struct NormShape {
  int rows, NH, width;
};
const NormShape kNormShapes[] = {{1, 1, 1},  {3, 1, 7},   {2, 3, 32},
                                 {5, 4, 64}, {1, 8, 512}, {64, 4, 65}};

TEST(RmsNorm, AgreesWithTheReference) {
  for (const auto& [rows, NH, width] : kNormShapes) {
    const int D = NH * width;
    const auto x = uniform(static_cast<std::size_t>(rows * D), 3.0F, 1);
    const auto w = uniform(static_cast<std::size_t>(D), 2.0F, 2),
               b = uniform(static_cast<std::size_t>(D), 1.0F, 3);
    std::vector<float> truth(x.size());
    kernels::rms_norm_reference(x.data(), w.data(), b.data(), 1e-6F, truth.data(),
                                static_cast<std::size_t>(rows), static_cast<std::size_t>(D));
    for (const auto norm : {ops::rms_norm, ops::rms_norm_definition}) {
      const auto got = values_of(norm(mx::array(x.begin(), {rows, D}), mx::array(w.begin(), {D}),
                                      mx::array(b.begin(), {D}), 1e-6F));
      for (std::size_t at = 0; at < truth.size(); ++at) {
        // mean of squares: D roundings; rsqrt, three products and a sum: 5 more, on |y - b| and b
        const float bound = kEps * static_cast<float>(D + 5) * (std::abs(truth[at]) + 2);
        ASSERT_NEAR(got[at], truth[at], bound) << rows << " x " << D << " at " << at;
      }
    }
  }
}

TEST(HeadNorm, AgreesWithTheReference) {
  for (const auto& [rows, NH, width] : kNormShapes) {
    const auto count = static_cast<std::size_t>(rows * NH * width);
    const auto features = static_cast<std::size_t>(NH * width);
    auto h = uniform(count, 3.0F, 4);
    for (float& value : h) value += 2.0F;  // a mean to subtract
    const auto w = uniform(features, 2.0F, 5), b = uniform(features, 1.0F, 6);
    std::vector<float> truth(count);
    kernels::head_norm_reference(h.data(), w.data(), b.data(), 1e-6F, truth.data(),
                                 static_cast<std::size_t>(rows), static_cast<std::size_t>(NH),
                                 static_cast<std::size_t>(width));
    for (const auto norm : {ops::head_norm, ops::head_norm_definition}) {
      const auto got = values_of(norm(mx::array(h.begin(), {1, rows, NH, width}),
                                      mx::array(w.begin(), {NH * width}),
                                      mx::array(b.begin(), {NH * width}), 1e-6F, mx::float32));
      for (std::size_t at = 0; at < count; ++at) {
        // u - mean loses eps * width * |u| absolute (|u| <= 5), then is scaled by r <= 1000 (eps =
        // 1e-6) only where a head has one value; elsewhere the spread is of order 1 and r of order
        // 1.
        const float r = width == 1 ? 1000.0F : 4.0F;
        const float bound =
            kEps * static_cast<float>(width + 6) * (5.0F * 2.0F * r + std::abs(truth[at]) + 1);
        ASSERT_NEAR(got[at], truth[at], bound)
            << rows << " x " << NH << " x " << width << " at " << at;
      }
    }
  }
}

TEST(HeadNorm, AConstantHeadGivesTheBias) {
  const mx::array h = mx::full({1, 1, 2, 8}, 3.0F), one = mx::ones({16}),
                  bias = mx::full({16}, 0.5F);
  for (const float y : values_of(ops::head_norm(h, one, bias, 1e-6F, mx::float32)))
    EXPECT_EQ(y, 0.5F);
}

TEST(SoftCap, AgreesWithTheReferenceAndIsOffWithoutACap) {
  const auto z = uniform(300, 60.0F, 7);
  std::vector<float> truth(z.size());
  kernels::soft_cap_reference(z.data(), nullptr, 15.0F, truth.data(), 100, 3);
  const mx::array in(z.begin(), {100, 3});
  for (const auto soft_cap : {ops::soft_cap, ops::soft_cap_definition}) {
    const auto got = values_of(soft_cap(in, 15.0F));
    // division, tanh (within 4 roundings) and product
    for (std::size_t at = 0; at < z.size(); ++at) ASSERT_NEAR(got[at], truth[at], 6 * kEps * 15.0F);
  }
  EXPECT_EQ(values_of(ops::soft_cap(in, std::nullopt)), z);
}

TEST(LogSigmoid, KeepsItsTails) {
  const std::vector<float> z = {-200, -100, -88, -15, -1, -1e-3F, 0, 1e-3F, 1, 8, 12, 15, 30, 80};
  const auto got = values_of(ops::log_sigmoid(mx::array(z.begin(), {static_cast<int>(z.size())})));
  for (std::size_t at = 0; at < z.size(); ++at) {
    const double truth = kernels::log_sigmoid_reference(z[at]);
    // exp within 6 roundings and one of its argument |z|, log1p and the difference one each:
    // relative, even where log(sigmoid(z)) would have lost everything
    ASSERT_NEAR(got[at], truth, (8 + std::abs(z[at])) * kEps * std::abs(truth)) << z[at];
  }
}

TEST(RowOps, KernelsTakeSlicesNoRowsAndOtherTypes) {
  const mx::array wide = mx::reshape(mx::arange(0.0F, 6 * 16.0F, 1.0F), {6, 16}) / mx::array(9.0F);
  const mx::array slice = mx::slice(wide, {1, 4}, {6, 12}, {2, 1});  // [3, 8], rows 32 apart
  const mx::array weight = mx::full({8}, 0.5F);
  const auto expect_near = [](const mx::array& got, const mx::array& truth) {
    ASSERT_EQ(got.shape(), truth.shape());
    ASSERT_EQ(got.dtype(), truth.dtype());
    const auto a = values_of(got), b = values_of(truth);
    // both within 12 roundings of the truth, or the last bit of 8 for bfloat16
    const float eps = got.dtype() == mx::float32 ? 24 * kEps : 0x1p-7F;
    for (std::size_t at = 0; at < a.size(); ++at) ASSERT_NEAR(a[at], b[at], eps * std::abs(b[at]));
  };
  for (const mx::array& x : {slice, mx::zeros({0, 8}), mx::astype(slice, mx::bfloat16)}) {
    expect_near(ops::rms_norm(x, weight, std::nullopt, 1e-6F),
                ops::rms_norm_definition(x, weight, std::nullopt, 1e-6F));
    expect_near(ops::soft_cap(x, 15.0F), ops::soft_cap_definition(x, 15.0F));
    expect_near(ops::swiglu(x), ops::swiglu_definition(x));
  }
}

TEST(Swiglu, GatesTheFirstHalf) {
  for (const auto swiglu : {ops::swiglu, ops::swiglu_definition}) {
    const auto got = values_of(swiglu(mx::array({0.0F, 2.0F, 5.0F, 7.0F}, {1, 4})));
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0], 0.0F);
    EXPECT_NEAR(got[1], 7.0 * 2.0 / (1.0 + std::exp(-2.0)), 14 * 4 * kEps);
  }
  EXPECT_THROW(ops::swiglu(mx::zeros({1, 3})), Error);
}

TEST(Linear, KernelAgreesWithTheDefinitionForEveryWeightType) {
  for (const mx::Dtype type : {mx::float32, mx::bfloat16, mx::float16}) {
    for (const auto& [M, K, N] : {std::tuple(1, 96, 33), {5, 64, 128}, {70, 33, 65}, {0, 8, 8}}) {
      const auto x = uniform(static_cast<std::size_t>(M * K), 1.0F, 8);
      const auto w = uniform(static_cast<std::size_t>(N * K), 1.0F, 9),
                 b = uniform(static_cast<std::size_t>(N), 1.0F, 10);
      const mx::array in(x.begin(), {1, M, K});
      const mx::array W = mx::astype(mx::array(w.begin(), {N, K}), type);
      const mx::array bias(b.begin(), {N});
      const auto got = values_of(ops::linear(in, W, bias));
      const auto truth = values_of(ops::linear_definition(in, mx::astype(W, mx::float32), bias));
      ASSERT_EQ(got.size(), truth.size());
      // two float32 sums of K terms below 1 and a bias below 1; x may be rounded to 8 bits
      const bool rounds = static_cast<std::size_t>(M) > kernels::kLinearDotRows &&
                          type == mx::bfloat16 &&
                          kernels::linear_rounds_x(kernels::WeightType::kBF16);
      const float bound = 2 * kEps * static_cast<float>((K + 1) * (K + 1)) +
                          (rounds ? 0x1p-8F * static_cast<float>(K) : 0.0F);
      for (std::size_t at = 0; at < got.size(); ++at) {
        ASSERT_NEAR(got[at], truth[at], bound) << M << " " << K << " " << N;
      }
    }
  }
}

TEST(SelfTest, PassesHereAndMeasuresSomething) {
  for (const ops::SelfTestResult& result : ops::self_test()) {
    EXPECT_TRUE(result.ok()) << result.name << ": " << result.error << " > " << result.bound;
    EXPECT_GT(result.error, 0) << result.name << " compared nothing";
  }
}

TEST(Linear, WrongShapesAreNamed) {
  try {
    ops::linear(mx::zeros({2, 3}), mx::zeros({4, 5}));
    FAIL() << "took a W that does not fit x";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[linear] wanted W of shape [4, 3], got [4, 5]");
  }
  EXPECT_THROW(ops::linear(mx::zeros({2, 3}), mx::zeros({4, 3}), mx::zeros({3})), Error);
}

}  // namespace
}  // namespace xlstm::testing
