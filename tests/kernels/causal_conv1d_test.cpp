#include "xlstm/kernels/causal_conv1d/causal_conv1d.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/op_cases.h"

namespace xlstm::testing {
namespace {

struct ConvCase {
  const char* name;
  std::size_t B, S, C, K;
};

constexpr ConvCase kCases[] = {{"one_of_all", 1, 1, 1, 1},
                               {"no_tokens", 2, 0, 5, 4},
                               {"one_token", 3, 1, 33, 4},
                               {"fewer_than_taps", 2, 2, 17, 4},
                               {"taps", 1, 3, 16, 4},
                               {"first_paper", 2, 65, 128, 4},
                               {"two_taps", 2, 7, 31, 2},
                               {"many_taps", 1, 20, 9, 11},
                               {"no_window", 2, 5, 12, 1},
                               {"original_400m", 1, 64, 2048, 4},
                               {"channels_of_a_rest", 1, 63, 65, 3}};

struct ConvData {
  std::vector<float> x, W, bias, window;
};

ConvData make_data(const ConvCase& c) {
  std::mt19937_64 random(c.C + c.S);
  return {uniform_floats(c.B * c.S * c.C, 2, random), uniform_floats(c.K * c.C, 1, random),
          uniform_floats(c.C, 1, random), uniform_floats(c.B * (c.K - 1) * c.C, 2, random)};
}

struct ConvResult {
  std::vector<float> y, window;
  bool operator==(const ConvResult&) const = default;
};

std::vector<kernels::ConvRow> rows_of(const ConvCase& c, float* window) {
  std::vector<kernels::ConvRow> rows;
  for (std::size_t b = 0; b < c.B; ++b) {
    rows.push_back({window + b * (c.K - 1) * c.C, b * c.S, c.S});
  }
  return rows;
}

template <class Kernel>
ConvResult run(const Kernel& kernel, const ConvCase& c, const ConvData& in,
               std::size_t offset = 0) {
  GuardedRows y(c.B * c.S, c.C, c.C, offset);
  GuardedRows window(1, in.window.size(), std::max<std::size_t>(1, in.window.size()), offset);
  std::copy(in.window.begin(), in.window.end(), window.data());
  const auto rows = rows_of(c, window.data());
  kernel(
      kernels::CausalConvArgs{c.B, c.C, c.K},
      kernels::CausalConvTensors{in.x.data(), in.W.data(), in.bias.data(), rows.data(), y.data()});
  EXPECT_TRUE(y.intact() && window.intact()) << c.name << " wrote beyond an output";
  return {y.values(), window.values()};
}

TEST(CausalConv1d, EverySimdTargetAgreesWithTheReferenceAtEveryAlignment) {
  for_each_simd_target([&](const char* target) {
    for (const ConvCase& c : kCases) {
      const ConvData in = make_data(c);
      const ConvResult truth = run(kernels::causal_conv1d_reference, c, in);
      for (const std::size_t offset : {0, 1, 3}) {
        const ConvResult got = run(on(test_pool(), kernels::causal_conv1d), c, in, offset);
        ASSERT_EQ(got.window, truth.window) << c.name << " on " << target;
        for (std::size_t at = 0; at < truth.y.size(); ++at) {
          // K products below 2 and a bias below 1
          const double bound = dot_bound(c.K, 2.0 * static_cast<double>(c.K) + 1);
          ASSERT_NEAR(got.y[at], truth.y[at], bound) << c.name << " on " << target << " at " << at;
        }
      }
    }
  });
}

TEST(CausalConv1d, ASequenceDependsNeitherOnTheOthersNorOnHowItIsCut) {
  const auto kernel = on(test_pool(), kernels::causal_conv1d);
  for (const ConvCase& c : kCases) {
    const ConvData in = make_data(c);
    const ConvResult whole = run(kernel, c, in);
    for (const std::size_t step : {1, 2, 5}) {
      ConvResult pieces{std::vector<float>(whole.y.size()), in.window};
      const auto rows = rows_of(c, pieces.window.data());
      for (std::size_t b = 0; b < c.B; ++b) {
        for (std::size_t s = 0; s < c.S; s += step) {
          kernels::ConvRow row = rows[b];
          row.first += s;
          row.tokens = std::min(step, c.S - s);
          kernel(kernels::CausalConvArgs{1, c.C, c.K},
                 kernels::CausalConvTensors{in.x.data(), in.W.data(), in.bias.data(), &row,
                                            pieces.y.data()});
        }
      }
      EXPECT_EQ(pieces, whole) << c.name << " by " << step;
    }
  }
}

TEST(CausalConv1d, ThreadCountDoesNotChangeABit) {
  const ConvCase c{"threads", 3, 50, 1000, 4};
  const ConvData in = make_data(c);
  ThreadPool alone(1);
  const ConvResult one = run(on(alone, kernels::causal_conv1d), c, in);
  for (const std::size_t threads : {2, 7}) {
    ThreadPool pool(threads);
    EXPECT_EQ(run(on(pool, kernels::causal_conv1d), c, in), one) << threads;
  }
}

TEST(CausalConv1d, ANanReachesItsChannelForAsManyTokensAsThereAreTaps) {
  const ConvCase c{"nan", 2, 9, 5, 4};
  ConvData in = make_data(c);
  in.x[(9 + 2) * 5 + 3] = std::nanf("");  // row 1, token 2, channel 3
  const ConvResult got = run(on(test_pool(), kernels::causal_conv1d), c, in);
  for (std::size_t at = 0; at < got.y.size(); ++at) {
    const std::size_t token = at / 5;
    EXPECT_EQ(std::isnan(got.y[at]), at % 5 == 3 && token >= 11 && token < 15) << at;
  }
}

}  // namespace
}  // namespace xlstm::testing
