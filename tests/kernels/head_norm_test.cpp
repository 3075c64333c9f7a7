#include "xlstm/kernels/head_norm/head_norm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/row_cases.h"

namespace xlstm::testing {
namespace {

constexpr float kEps = 1e-6F;

struct HeadShape {
  std::size_t rows, NH, DHV;
};

std::vector<HeadShape> head_shapes() {
  std::vector<HeadShape> out = {{65, 8, 64}, {1, 8, 512}, {90, 4, 256}};
  for (const auto& [rows, width] : row_edge_shapes()) {
    if (width > 0) out.push_back({rows, 1 + width % 3, width});
  }
  return out;
}

struct Inputs {
  std::vector<float> h, weight, bias, gate;  // gate rows lie `stride` apart
  std::size_t stride;
};

Inputs inputs_of(const HeadShape& s, float spread, float offset) {
  std::mt19937_64 random(s.rows * 1009 + s.DHV);
  const std::size_t V = s.NH * s.DHV;
  Inputs in{uniform_floats(s.rows * V, spread, random),
            uniform_floats(V, 2.0F, random),
            uniform_floats(V, 1.0F, random),
            {},
            3 * V + 5};
  in.gate = uniform_floats(s.rows * in.stride, 6.0F, random);
  for (float& value : in.h) value += offset;
  return in;
}

struct Truth {
  std::vector<double> y, bound;
};

double square(double x) {
  return x * x;
}

// Bound: u = 2^-24. The mean errs by d = u (DHV + 1) mean|h|; h - mean by d and a rounding of
// itself. Of the squares' mean d takes part in second order only, d^2, so 1 / sqrt(..) errs
// relatively by u (DHV + 3) / 2 + d^2 r^2 / 2 with its own rounding; two products, a sum and the
// gate's (5 u with its product) follow.
Truth truth_of(const HeadShape& s, const Inputs& in, bool with_bias, bool with_gate) {
  const auto n = static_cast<double>(s.DHV);
  const std::size_t V = s.NH * s.DHV;
  std::vector<float> y(in.h.size());
  kernels::head_norm_reference(in.h.data(), in.weight.data(), nullptr, kEps, y.data(), s.rows, s.NH,
                               s.DHV);
  Truth out;
  double r = 0, d = 0;  // of the head that `at` is in
  for (std::size_t at = 0; at < y.size(); ++at) {
    if (at % s.DHV == 0) {
      const float* const head = in.h.data() + at;
      double mean = 0, absolute = 0, variance = 0;
      for (std::size_t j = 0; j < s.DHV; ++j)
        mean += head[j] / n, absolute += std::abs(head[j]) / n;
      for (std::size_t j = 0; j < s.DHV; ++j) variance += square(head[j] - mean) / n;
      r = 1 / std::sqrt(variance + kEps);
      d = kUnitRoundoff * (n + 1) * absolute;
    }
    const double w = std::abs(in.weight[at % V]);
    const double b = with_bias ? in.bias[at % V] : 0;
    const double gate =
        with_gate ? 1 / (1 + std::exp(-static_cast<double>(in.gate[at / V * in.stride + at % V])))
                  : 1;
    const double relative = kUnitRoundoff * ((n + 3) / 2 + 6) + square(d * r);
    const double error = d * r * w * (1 + relative) + relative * std::abs(y[at]) +
                         kUnitRoundoff * (std::abs(y[at]) + std::abs(b));
    out.y.push_back((y[at] + b) * gate);
    out.bound.push_back(gate * (error + 6 * kUnitRoundoff * (std::abs(y[at]) + std::abs(b))));
  }
  return out;
}

TEST(HeadNormKernel, EverySimdTargetKeepsItsBoundWithAndWithoutBiasAndGate) {
  for_each_simd_target([](const char* target) {
    for (const HeadShape& s : head_shapes()) {
      for (const auto& [spread, offset] : {std::pair(3.0F, 2.0F), {1e-3F, 0.0F}, {1.0F, 100.0F}}) {
        const Inputs in = inputs_of(s, spread, offset);
        for (const int way : {0, 1, 2, 3}) {
          const bool with_bias = way % 2 == 1, with_gate = way >= 2;
          const Truth truth = truth_of(s, in, with_bias, with_gate);
          GuardedRows y(s.rows, s.NH * s.DHV, s.NH * s.DHV, s.DHV % 3);
          kernels::head_norm(test_pool(),
                             {in.h.data(), in.weight.data(), with_bias ? in.bias.data() : nullptr,
                              with_gate ? in.gate.data() : nullptr,
                              static_cast<std::ptrdiff_t>(in.stride), y.data(), kEps, s.NH, s.DHV},
                             s.rows);
          ASSERT_TRUE(y.intact()) << target;
          const std::vector<float> got = y.values();
          for (std::size_t at = 0; at < got.size(); ++at) {
            ASSERT_NEAR(got[at], truth.y[at], truth.bound[at])
                << target << ", " << s.rows << " x " << s.NH << " x " << s.DHV << ", way " << way
                << ", offset " << offset << " at " << at;
          }
        }
      }
    }
  });
}

TEST(HeadNormKernel, InPlaceAndEveryNumberOfThreadsGiveTheSameBits) {
  const HeadShape s{100, 3, 65};
  const Inputs in = inputs_of(s, 3.0F, 1.0F);
  const auto run = [&](std::size_t threads, const float* h, float* y) {
    ThreadPool pool(threads);
    kernels::head_norm(pool,
                       {h, in.weight.data(), in.bias.data(), in.gate.data(),
                        static_cast<std::ptrdiff_t>(in.stride), y, kEps, s.NH, s.DHV},
                       s.rows);
  };
  std::vector<float> one(in.h.size());
  run(1, in.h.data(), one.data());
  for (const std::size_t threads : {2, 3, 8}) {
    std::vector<float> own = in.h;
    run(threads, own.data(), own.data());
    EXPECT_EQ(own, one) << threads;
  }
}

TEST(HeadNormKernel, AConstantHeadGivesTheBiasAndANanStaysInItsHead) {
  std::vector<float> h(3 * 40, 3.0F), weight(3 * 40, 2.0F), bias(3 * 40, 0.5F), y(3 * 40);
  h[50] = std::nanf("");
  kernels::head_norm(test_pool(),
                     {h.data(), weight.data(), bias.data(), nullptr, 0, y.data(), kEps, 3, 40}, 1);
  for (std::size_t at = 0; at < y.size(); ++at) {
    if (at / 40 == 1) {
      EXPECT_TRUE(std::isnan(y[at]));
    } else {
      EXPECT_EQ(y[at], 0.5F) << at;
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
