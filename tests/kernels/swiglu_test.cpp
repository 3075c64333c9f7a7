#include "xlstm/kernels/swiglu/swiglu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/row_cases.h"

namespace xlstm::testing {
namespace {

TEST(SwigluKernel, EverySimdTargetKeepsItsBoundAtEveryWidth) {
  for_each_simd_target([](const char* target) {
    for (const auto& [rows, F] : row_edge_shapes()) {
      for (const float range : {1e-3F, 4.0F, 200.0F}) {
        std::mt19937_64 random(rows * 1009 + F);
        const std::vector<float> in = uniform_floats(rows * 2 * F, range, random);
        std::vector<float> truth(rows * F);
        kernels::swiglu_reference(in.data(), truth.data(), rows, F);
        GuardedRows y(rows, F, std::max<std::size_t>(F, 1), F % 3);
        kernels::swiglu(test_pool(), in.data(), y.data(), rows, F);
        ASSERT_TRUE(y.intact()) << target << " wrote beyond " << rows << " x " << F;
        const std::vector<float> got = y.values();
        for (std::size_t at = 0; at < got.size(); ++at) {
          const std::size_t first = at / F * 2 * F + at % F;
          const double size = std::abs(static_cast<double>(in[first]) * in[first + F]);
          // as the header says, and the truth's own rounding
          const double bound = 9 * kUnitRoundoff * std::abs(truth[at]) + 0x1p-126 * size + 0x1p-149;
          ASSERT_NEAR(got[at], truth[at], bound) << target << " of " << in[first];
        }
      }
    }
  });
}

TEST(SwigluKernel, FarGatesCloseAndOpenEntirely) {
  const float huge = 3e38F, inf = std::numeric_limits<float>::infinity();
  const std::vector<float> in = {-huge, -1e30F, huge, inf, std::nanf(""), 2, 2, 1, 1, 1};
  std::vector<float> y(5);
  kernels::swiglu(test_pool(), in.data(), y.data(), 1, 5);
  EXPECT_EQ(y[0], 0);
  EXPECT_EQ(y[1], 0);
  EXPECT_EQ(y[2], huge);
  EXPECT_EQ(y[3], inf);
  EXPECT_TRUE(std::isnan(y[4]));
}

TEST(SwigluKernel, ThreadCountDoesNotChangeABit) {
  std::mt19937_64 random(1);
  const std::vector<float> in = uniform_floats(200 * 2 * 129, 4.0F, random);
  std::vector<float> one(200 * 129), many(one.size());
  ThreadPool alone(1), three(3);
  kernels::swiglu(alone, in.data(), one.data(), 200, 129);
  kernels::swiglu(three, in.data(), many.data(), 200, 129);
  EXPECT_EQ(one, many);
}

}  // namespace
}  // namespace xlstm::testing
