#include "xlstm/kernels/headwise/headwise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/ways.h"
#include "xlstm/base/floats.h"

namespace xlstm::testing {
namespace {

struct HeadwiseCase {
  const char* name;
  std::size_t G, O, I, H;
};

constexpr HeadwiseCase kCases[] = {{"one_of_all", 1, 1, 1, 1},
                                   {"qkv_of_4", 64, 4, 4, 64},
                                   {"q_and_k_of_4", 66, 4, 4, 33},
                                   {"three_of_4", 3, 4, 4, 3},
                                   {"pairs", 10, 2, 2, 10},
                                   {"qkv_of_8", 16, 8, 8, 16},
                                   {"odd_all_over", 6, 5, 3, 2},
                                   {"wider_than_long", 4, 70, 7, 2},
                                   {"golden_gates", 8, 16, 16, 4},
                                   {"tides_gates", 8, 32, 32, 4},
                                   {"just_wide", 4, 33, 33, 2},
                                   {"tirex_gates", 8, 128, 128, 4},
                                   {"scaling_400m_gates", 8, 256, 256, 4}};

struct HeadwiseData {
  std::vector<float> x, W, bias;
  std::vector<std::byte> typed;
};

HeadwiseData make_data(const HeadwiseCase& c, std::size_t M, DType type) {
  std::mt19937_64 random(c.O + M);
  HeadwiseData out{uniform_floats(M * c.H * c.I, 1, random),
                   uniform_floats(c.G * c.O * c.I, 1, random), uniform_floats(c.G * c.O, 1, random),
                   std::vector<std::byte>(c.G * c.O * c.I * size_of(type))};
  floats_to(out.W.data(), out.W.size(), type, out.typed.data());
  floats_from(out.typed.data(), type, out.W.size(), out.W.data());
  return out;
}

kernels::HeadwiseWeights weights_of(const HeadwiseCase& c, const HeadwiseData& in, DType type,
                                    bool has_bias) {
  return {c.G,
          c.O,
          c.I,
          c.H,
          in.typed.data(),
          kernels::weight_type(type),
          has_bias ? in.bias.data() : nullptr};
}

std::vector<float> run(const kernels::HeadwiseWeights& w, const std::vector<float>& x,
                       std::size_t M, std::size_t offset = 0, ThreadPool& pool = test_pool()) {
  GuardedRows y(M, w.G * w.O, w.G * w.O, offset);
  kernels::headwise(pool, w, x.data(), y.data(), M);
  EXPECT_TRUE(y.intact()) << "wrote beyond y";
  return y.values();
}

TEST(HeadwiseKernel, EveryWayAgreesWithTheReference) {
  for_each_way([&](const char* way) {
    for (const HeadwiseCase& c : kCases) {
      for (const DType type : {DType::kF32, DType::kBF16}) {
        for (const std::size_t M : {0, 1, 2, 9, 17, 70}) {
          const HeadwiseData in = make_data(c, M, type);
          const bool has_bias = M % 2 == 1;
          const kernels::HeadwiseWeights w = weights_of(c, in, type, has_bias);
          std::vector<float> truth(M * c.G * c.O);
          kernels::headwise_reference(w, in.x.data(), truth.data(), M);
          const std::vector<float> got = run(w, in.x, M, M % 4);
          for (std::size_t at = 0; at < truth.size(); ++at) {
            // I products below 1 and a bias below 1
            const double sizes = static_cast<double>(c.I + 1);
            const bool rounds = c.I > kernels::kHeadwiseWidth && type == DType::kBF16;
            const double bound = rounds ? bf16_dot_bound(c.I, sizes) : dot_bound(c.I, sizes);
            ASSERT_NEAR(got[at], truth[at], bound)
                << c.name << " with " << M << " rows on " << way << " at " << at;
          }
        }
      }
    }
  });
}

TEST(HeadwiseKernel, NarrowRowsDoNotDependOnTheOthers) {
  for_each_simd_target([&](const char* target) {
    for (const HeadwiseCase& c : kCases) {
      const std::size_t M =
          c.I > kernels::kHeadwiseWidth ? kernels::linear_dot_rows(kernels::WeightType::kF32) : 21;
      const HeadwiseData in = make_data(c, M, DType::kF32);
      const kernels::HeadwiseWeights w = weights_of(c, in, DType::kF32, true);
      const std::vector<float> together = run(w, in.x, M);
      const std::size_t K = c.H * c.I, N = c.G * c.O;
      for (std::size_t m = 0; m < M; ++m) {
        const std::vector<float> x(in.x.begin() + static_cast<std::ptrdiff_t>(m * K),
                                   in.x.begin() + static_cast<std::ptrdiff_t>((m + 1) * K));
        const std::vector<float> row(together.begin() + static_cast<std::ptrdiff_t>(m * N),
                                     together.begin() + static_cast<std::ptrdiff_t>((m + 1) * N));
        ASSERT_EQ(run(w, x, 1, m % 4), row) << c.name << " on " << target << ", row " << m;
      }
    }
  });
}

TEST(HeadwiseKernel, ThreadCountDoesNotChangeABit) {
  for (const HeadwiseCase& c : kCases) {
    const std::size_t M = 600;
    const HeadwiseData in = make_data(c, M, DType::kF32);
    const kernels::HeadwiseWeights w = weights_of(c, in, DType::kF32, true);
    ThreadPool alone(1);
    const std::vector<float> one = run(w, in.x, M, 0, alone);
    for (const std::size_t threads : {2, 9}) {
      ThreadPool pool(threads);
      EXPECT_EQ(run(w, in.x, M, 0, pool), one) << c.name << ", " << threads << " threads";
    }
  }
}

TEST(HeadwiseKernel, ANanStaysInItsRowAndItsHeadsGroups) {
  for (const HeadwiseCase& c : kCases) {
    const std::size_t M = 3;
    HeadwiseData in = make_data(c, M, DType::kF32);
    in.x[c.H * c.I + (c.H - 1) * c.I] = std::nanf("");  // row 1, the last head
    const std::vector<float> y = run(weights_of(c, in, DType::kF32, true), in.x, M);
    for (std::size_t at = 0; at < y.size(); ++at) {
      const std::size_t row = at / (c.G * c.O), group = at % (c.G * c.O) / c.O;
      EXPECT_EQ(std::isnan(y[at]), row == 1 && group % c.H == c.H - 1) << c.name << " " << at;
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
