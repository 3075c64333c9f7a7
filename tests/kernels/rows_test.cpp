// Kernels that work row by row: norms, soft cap, gated feed-forward.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/kernels/op_cases.h"
#include "xlstm/base/error.h"
#include "xlstm/base/threads.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/kernels/swiglu/swiglu.h"

namespace xlstm::testing {
namespace {

constexpr double kEps = 0x1p-24;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct Shape {
  std::size_t rows, D;
};
// Around the borders of vectors, a few models' widths, enough rows for threads.
const std::vector<Shape> kShapes = {{0, 8},    {1, 1},    {1, 3},  {2, 15},    {3, 16},
                                    {1, 17},   {2, 63},   {5, 64}, {1, 65},    {1, 1024},
                                    {70, 736}, {1, 4096}, {3, 33}, {40, 1025}, {1, 10'944}};

std::vector<float> uniform(std::size_t count, float range, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> any(-range, range);
  std::vector<float> out(count);
  for (float& x : out) x = any(random);
  return out;
}

void expect_near(const std::vector<float>& got, const std::vector<float>& truth,
                 const std::vector<double>& bound, const std::string& what) {
  ASSERT_EQ(got.size(), truth.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_LE(std::abs(static_cast<double>(got[i]) - truth[i]), bound[i]) << what << " at " << i;
  }
}

template <class Run>
void with_threads(const Run& run) {
  for (const std::size_t threads : {1, 3}) {
    set_thread_count(threads);
    run();
  }
  set_thread_count(0);
}

// The bounds of rms_norm.h; the reference itself is half an ulp of y off.
TEST(RowKernels, RmsNormIsTheReference) {
  for (const auto [rows, D] : kShapes) {
    const auto x = uniform(rows * D, 3, 1), weight = uniform(D, 2, 2), bias = uniform(D, 1, 3);
    for (const float* b : {static_cast<const float*>(nullptr), bias.data()}) {
      std::vector<float> truth(rows * D), got(rows * D, kNan);
      kernels::rms_norm_reference(x.data(), weight.data(), b, 1e-6F, truth.data(), rows, D);
      std::vector<double> bound(rows * D);
      for (std::size_t i = 0; i < bound.size(); ++i) {
        const double added = b == nullptr ? 0 : b[i % D];
        bound[i] = kEps * ((static_cast<double>(D) / 2 + 6) * std::abs(truth[i] - added) +
                           2 * std::abs(truth[i]) + std::abs(added));
      }
      for_each_simd_target([&, rows = rows, D = D](const char* target) {
        with_threads([&] {
          kernels::rms_norm(x.data(), weight.data(), b, 1e-6F, got.data(), rows, D);
          expect_near(got, truth, bound, target);
        });
      });
    }
  }
}

TEST(RowKernels, RmsNormInPlaceAndWithNan) {
  const std::size_t rows = 3, D = 37;
  auto x = uniform(rows * D, 3, 4);
  const auto weight = uniform(D, 2, 5);
  std::vector<float> apart(x.size());
  kernels::rms_norm(x.data(), weight.data(), nullptr, 1e-6F, apart.data(), rows, D);
  auto own = x;
  kernels::rms_norm(own.data(), weight.data(), nullptr, 1e-6F, own.data(), rows, D);
  EXPECT_EQ(own, apart);
  x[D + 36] = kNan;  // row 1, in the last, incomplete vector
  kernels::rms_norm(x.data(), weight.data(), nullptr, 1e-6F, x.data(), rows, D);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(std::isnan(x[i]), i / D == 1) << i;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

// Mean and variance are sums of DHV terms: the mean errs by eps DHV max|h|, a value's distance from
// it by a little more, the root's argument relatively by twice that over the deviation.
TEST(RowKernels, HeadNormIsTheReferenceTimesTheGate) {
  for (const auto [rows, DHV] : kShapes) {
    if (DHV > 1025) continue;
    const std::size_t NH = 3, V = NH * DHV, stride = V + 5;
    const auto h = uniform(rows * V, 3, 6), weight = uniform(V, 2, 7), bias = uniform(V, 1, 8);
    const auto gate = uniform(rows * stride, 20, 9);
    std::vector<float> truth(rows * V), got(rows * V);
    kernels::head_norm_reference(h.data(), weight.data(), bias.data(), 1e-3F, truth.data(), rows,
                                 NH, DHV);
    for (const bool gated : {false, true}) {
      std::vector<float> wanted = truth;
      std::vector<double> bound(rows * V);
      for (std::size_t i = 0; i < wanted.size(); ++i) {
        const double normed = std::abs(truth[i] - bias[i % V]);
        // 3 over the smallest root, sqrt(1e-3), is what |h - mean| can be scaled to.
        const double scaled = 2 * 3 / std::sqrt(1e-3) * std::abs(weight[i % V]);
        bound[i] = kEps * (static_cast<double>(DHV) + 8) * (3 * normed + scaled) +
                   kEps * (std::abs(truth[i]) + std::abs(bias[i % V]));
        if (!gated) continue;
        const double by = sigmoid(gate[i / V * stride + i % V]);
        wanted[i] = static_cast<float>(truth[i] * by);
        bound[i] = bound[i] * by + 8 * kEps * std::abs(wanted[i]);
      }
      for_each_simd_target([&, rows = rows, DHV = DHV](const char* target) {
        with_threads([&] {
          kernels::head_norm({h.data(), weight.data(), bias.data(), gated ? gate.data() : nullptr,
                              static_cast<std::ptrdiff_t>(stride), got.data(), 1e-3F, NH, DHV},
                             rows);
          expect_near(got, wanted, bound, target);
        });
      });
    }
  }
}

TEST(RowKernels, HeadNormInPlaceAndWithNan) {
  const std::size_t rows = 2, NH = 2, DHV = 19, V = NH * DHV;
  auto h = uniform(rows * V, 3, 10);
  const auto weight = uniform(V, 2, 11);
  auto gate = uniform(rows * V, 5, 12);
  std::vector<float> apart(h.size());
  const auto args = [&](float* from, float* to) {
    return kernels::HeadNormArgs{
        from, weight.data(), nullptr, gate.data(), static_cast<std::ptrdiff_t>(V),
        to,   1e-6F,         NH,      DHV};
  };
  kernels::head_norm(args(h.data(), apart.data()), rows);
  auto own = h;
  kernels::head_norm(args(own.data(), own.data()), rows);
  EXPECT_EQ(own, apart);
  gate[3] = kNan;
  h[V + DHV + 2] = kNan;  // row 1, head 1
  kernels::head_norm(args(h.data(), apart.data()), rows);
  for (std::size_t i = 0; i < apart.size(); ++i) {
    EXPECT_EQ(std::isnan(apart[i]), i == 3 || i >= V + DHV) << i;
  }
}

TEST(RowKernels, SoftCapIsTheReference) {
  for (const std::size_t count : {0, 1, 7, 16, 33, 1023, 50'304}) {
    auto z = uniform(count, 60, 13);
    for (std::size_t i = 0; i < z.size(); i += 3) z[i] *= 1e-4F;  // where tanh(x) is x
    for (const float cap : {15.0F, 30.0F, 0.0F}) {
      std::vector<float> truth(count), got(count);
      kernels::soft_cap_reference(z.data(), nullptr, cap, truth.data(), count, 1);
      std::vector<double> bound(count);
      for (std::size_t i = 0; i < count; ++i) bound[i] = 8 * kEps * std::abs(truth[i]);
      for_each_simd_target([&](const char* target) {
        with_threads([&] {
          kernels::soft_cap(z.data(), cap, got.data(), count);
          expect_near(got, truth, bound, str(target, " cap ", cap));
        });
      });
    }
  }
}

TEST(RowKernels, SoftCapAtTheEnds) {
  const std::vector<float> z = {kInf, -kInf, kNan, 0.0F, 1e30F};
  for_each_simd_target([&](const char* target) {
    std::vector<float> out(z.size());
    kernels::soft_cap(z.data(), 15.0F, out.data(), z.size());
    EXPECT_EQ(out[0], 15.0F) << target;
    EXPECT_EQ(out[1], -15.0F) << target;
    EXPECT_TRUE(std::isnan(out[2])) << target;
    EXPECT_EQ(out[3], 0.0F) << target;
    EXPECT_EQ(out[4], 15.0F) << target;
  });
}

TEST(RowKernels, SwigluIsTheReference) {
  for (const auto [rows, F] : kShapes) {
    const auto gate_up = uniform(rows * 2 * F, 30, 14);
    std::vector<float> truth(rows * F), got(rows * F, kNan);
    kernels::swiglu_reference(gate_up.data(), truth.data(), rows, F);
    std::vector<double> bound(rows * F);
    for (std::size_t i = 0; i < bound.size(); ++i) bound[i] = 16 * kEps * std::abs(truth[i]);
    for_each_simd_target([&, rows = rows, F = F](const char* target) {
      with_threads([&] {
        kernels::swiglu(gate_up.data(), got.data(), rows, F);
        expect_near(got, truth, bound, target);
      });
    });
  }
}

TEST(RowKernels, SwigluLetsNanThroughAndShutsAtTheEnd) {
  for_each_simd_target([&](const char* target) {
    const std::vector<float> gate_up = {kNan, 1.0F, -200.0F, 200.0F, 2.0F, kNan, 3.0F, 5.0F};
    std::vector<float> y(4);
    kernels::swiglu(gate_up.data(), y.data(), 1, 4);
    EXPECT_TRUE(std::isnan(y[0])) << target;
    EXPECT_TRUE(std::isnan(y[1])) << target;
    EXPECT_NEAR(y[2], 0.0F, 1e-30F) << target;
    EXPECT_EQ(y[3], 1000.0F) << target;
  });
}

}  // namespace
}  // namespace xlstm::testing
