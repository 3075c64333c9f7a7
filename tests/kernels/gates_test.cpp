#include "xlstm/kernels/gates/gates.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/kernels/op_cases.h"

namespace xlstm::testing {
namespace {

TEST(SoftCapKernel, EverySimdTargetKeepsItsBoundAtEveryLength) {
  for_each_simd_target([](const char* target) {
    for (const std::size_t count : {0, 1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 1025, 50'304}) {
      for (const float range : {1e-3F, 20.0F, 400.0F}) {
        for (const float cap : {15.0F, 30.0F, 0.0F}) {
          std::mt19937_64 random(count);
          const std::vector<float> z = uniform_floats(count, range, random);
          std::vector<float> truth(count);
          kernels::soft_cap_reference(z.data(), nullptr, cap, truth.data(), count, 1);
          GuardedRows out(1, count, std::max<std::size_t>(count, 1), count % 3);
          kernels::soft_cap(test_pool(), z.data(), cap, out.data(), count);
          ASSERT_TRUE(out.intact()) << target << " wrote beyond " << count;
          for (std::size_t at = 0; at < count; ++at) {
            // as the header says, and the truth's own rounding
            const double bound = cap > 0 ? 13 * kUnitRoundoff * std::abs(truth[at]) : 0;
            ASSERT_NEAR(out.at(0, at), truth[at], bound)
                << target << ": " << z[at] << " capped at " << cap;
          }
        }
      }
    }
  });
}

TEST(SoftCapKernel, InPlaceWithExtremesAndThreads) {
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> z(200'000, 1.0F);
  z[0] = inf, z[1] = -inf, z[2] = std::nanf(""), z[3] = -0.0F, z[4] = 3e38F;
  std::vector<float> one(z.size());
  ThreadPool alone(1), four(4);
  kernels::soft_cap(alone, z.data(), 15.0F, one.data(), z.size());
  kernels::soft_cap(four, z.data(), 15.0F, z.data(), z.size());
  EXPECT_EQ(z[0], 15.0F);
  EXPECT_EQ(z[1], -15.0F);
  EXPECT_TRUE(std::isnan(z[2]));
  EXPECT_TRUE(z[3] == 0 && std::signbit(z[3]));
  EXPECT_EQ(z[4], 15.0F);
  z[2] = one[2] = 0;
  EXPECT_EQ(z, one);
}

}  // namespace
}  // namespace xlstm::testing
