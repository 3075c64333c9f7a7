#include "xlstm/kernels/rms_norm/rms_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/row_cases.h"

namespace xlstm::testing {
namespace {

struct Inputs {
  std::vector<float> x, weight, bias;
};

Inputs inputs_of(const RowShape& shape, float range) {
  std::mt19937_64 random(shape.rows * 1009 + shape.width);
  return {uniform_floats(shape.rows * shape.width, range, random),
          uniform_floats(shape.width, 2.0F, random), uniform_floats(shape.width, 1.0F, random)};
}

std::vector<float> truth_of(const RowShape& shape, const Inputs& in, const float* bias) {
  std::vector<float> y(in.x.size());
  kernels::rms_norm_reference(in.x.data(), in.weight.data(), bias, 1e-6F, y.data(), shape.rows,
                              shape.width);
  return y;
}

std::vector<float> run(const RowShape& shape, const Inputs& in, const float* bias,
                       ThreadPool& pool = test_pool()) {
  std::vector<float> y(in.x.size());
  kernels::rms_norm(pool, in.x.data(), in.weight.data(), bias, 1e-6F, y.data(), shape.rows,
                    shape.width);
  return y;
}

TEST(RmsNormKernel, EverySimdTargetKeepsItsBoundAtEveryWidthAndAlignment) {
  for_each_simd_target([](const char* target) {
    for (const RowShape& shape : row_edge_shapes()) {
      for (const float range : {3.0F, 1e-4F, 1e15F}) {
        const Inputs in = inputs_of(shape, range);
        for (const bool with_bias : {false, true}) {
          const float* const bias = with_bias ? in.bias.data() : nullptr;
          const std::vector<float> truth = truth_of(shape, in, bias);
          const std::size_t D = shape.width;
          GuardedRows y(shape.rows, D, std::max<std::size_t>(D, 1), shape.rows % 3);
          kernels::rms_norm(test_pool(), in.x.data(), in.weight.data(), bias, 1e-6F, y.data(),
                            shape.rows, D);
          ASSERT_TRUE(y.intact()) << target << " wrote beyond " << shape.rows << " x " << D;
          const std::vector<float> got = y.values();
          for (std::size_t at = 0; at < got.size(); ++at) {
            const double b = with_bias ? in.bias[at % D] : 0;
            // as the header says, and the truth's own rounding
            const double bound =
                kUnitRoundoff * ((static_cast<double>(D) / 2 + 6) * std::abs(truth[at] - b) +
                                 2 * (std::abs(truth[at]) + std::abs(b)));
            ASSERT_NEAR(got[at], truth[at], bound)
                << target << ", " << shape.rows << " x " << D << ", range " << range;
          }
        }
      }
    }
  });
}

TEST(RmsNormKernel, InPlaceAndEveryNumberOfThreadsGiveTheSameBits) {
  const RowShape shape{300, 257};
  const Inputs in = inputs_of(shape, 3.0F);
  ThreadPool alone(1);
  const std::vector<float> one = run(shape, in, nullptr, alone);
  for (const std::size_t threads : {2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(run(shape, in, nullptr, pool), one) << threads;
  }
  std::vector<float> own = in.x;
  kernels::rms_norm(test_pool(), own.data(), in.weight.data(), nullptr, 1e-6F, own.data(), 300,
                    257);
  EXPECT_EQ(own, one);
}

TEST(RmsNormKernel, ANanStaysInItsRowAndZerosStayZeros) {
  const RowShape shape{3, 40};
  Inputs in = inputs_of(shape, 1.0F);
  in.x[45] = std::nanf("");
  std::fill(in.x.begin() + 80, in.x.end(), 0.0F);
  const std::vector<float> y = run(shape, in, nullptr);
  for (std::size_t at = 0; at < y.size(); ++at) EXPECT_EQ(std::isnan(y[at]), at / 40 == 1) << at;
  for (std::size_t at = 80; at < y.size(); ++at) EXPECT_EQ(y[at], 0.0F);
}

}  // namespace
}  // namespace xlstm::testing
