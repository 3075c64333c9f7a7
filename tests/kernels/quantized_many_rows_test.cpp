// quantized_linear() for many rows: every format, with and without 8-bit products.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/quantized_cases.h"
#include "tests/kernels/ways.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::testing {
namespace {

using kernels::WeightType;

template <class Kernel>
std::vector<float> run(Kernel kernel, const std::vector<float>& x, const QuantizedCase& c,
                       const std::vector<float>& bias) {
  const std::size_t M = x.size() / c.K;
  std::vector<float> y(M * c.N, -1.0F);
  kernel(x.data(), static_cast<std::ptrdiff_t>(c.K), c.matrix(),
         bias.empty() ? nullptr : bias.data(), y.data(), static_cast<std::ptrdiff_t>(c.N), M, c.N,
         c.K);
  return y;
}

// Whole numbers up to 127, which each group of a row has: rounding to multiples of max / 127 leaves
// them as they are.
std::vector<float> exact_x(std::size_t M, std::size_t K, std::mt19937_64& random) {
  std::vector<float> x = whole_floats(M * K, 127, random);
  for (std::size_t at = 0; at < x.size(); at += 32) x[at + random() % 32] = -127.0F;
  return x;
}

std::string text(const QuantizedCase& c, std::size_t M, const char* target) {
  return std::string(target) + " " + to_string(c.format) + " M " + std::to_string(M) + " N " +
         std::to_string(c.N) + " K " + std::to_string(c.K);
}

TEST(QuantizedManyRows, EqualsTheReferenceOnWholeNumbers) {
  // All sums are below 2^24: exact in float32, in whichever order.
  std::mt19937_64 random(1);
  constexpr WeightType kTypes[] = {WeightType::kF32, WeightType::kBF16, WeightType::kF16};
  std::size_t at = 0;
  for (const Quantization& format : all_formats()) {
    for (const std::size_t groups : {1, 2, 3, 5}) {
      const std::size_t K = groups * static_cast<std::size_t>(format.group_size);
      if (K > 256) continue;
      for (const std::size_t M : {3, 4, 16, 17, 29, 45, 72}) {
        for (const std::size_t N : {1, 17, 32, 67}) {
          if (at++ % kCaseStep != 0) continue;
          const QuantizedCase c = whole_case(format, kTypes[(M + N) % 3], N, K, random);
          const std::vector<float> x = exact_x(M, K, random);
          const std::vector<float> bias = whole_floats(M % 2 == 0 ? N : 0, 100, random);
          const std::vector<float> truth = run(kernels::quantized_linear_reference, x, c, bias);
          for_each_way([&](const char* target) {
            if (M <= kernels::quantized_linear_dot_rows()) return;
            EXPECT_EQ(run(on(test_pool(), kernels::quantized_linear), x, c, bias), truth)
                << text(c, M, target);
          });
        }
      }
    }
  }
}

TEST(QuantizedManyRows, TheLargestCodesDoNotSaturate) {
  // Instructions that add products in 16 bits stop at 2^15, where there would be too many of these.
  std::mt19937_64 random(8);
  for (const Quantization& format : all_formats()) {
    const auto K = static_cast<std::size_t>(format.group_size);
    QuantizedCase c = whole_case(format, WeightType::kF32, 17, K, random);
    const bool mxfp4 = format.mode == QuantizationMode::kMxfp4;
    c.words.assign(c.words.size(), mxfp4 ? 0x77777777U : ~0U);
    std::vector<float> x(4 * K, 127.0F);  // all of one sign, all of the other, and both
    for (std::size_t k = 0; k < K; ++k) {
      x[K + k] = -127.0F;
      x[2 * K + k] = k < K / 2 ? 127.0F : -127.0F;
      x[3 * K + k] = k % 2 == 0 ? 127.0F : -127.0F;
    }
    const std::vector<float> truth = run(kernels::quantized_linear_reference, x, c, {});
    for_each_way([&](const char* target) {
      EXPECT_EQ(run(on(test_pool(), kernels::quantized_linear), x, c, {}), truth)
          << text(c, 4, target);
    });
  }
}

// What a group of a row adds to the bound of an element of y.
struct Magnitudes {
  double largest_x, sum_w, products;
};

// Group g of row m of x and row n of W: products are of what is really multiplied, codes and
// biases (for mxfp4, twice the values and 12, times half the scale).
Magnitudes magnitudes_of(const QuantizedCase& c, const float* x, std::size_t n, const float* w,
                         std::size_t g) {
  const auto group = static_cast<std::size_t>(c.format.group_size);
  const std::size_t at = n * (c.K / group) + g;
  float bias;
  if (c.format.mode == QuantizationMode::kMxfp4) {
    bias = std::ldexp(6.0F, static_cast<int>(c.scales[at]) - 127);
  } else {
    std::memcpy(&bias, c.biases.data() + at * sizeof bias, sizeof bias);
  }
  Magnitudes out{0, 0, 0};
  for (std::size_t k = g * group; k < (g + 1) * group; ++k) {
    out.largest_x = std::max(out.largest_x, std::abs(static_cast<double>(x[k])));
    out.sum_w += std::abs(static_cast<double>(w[k]));
  }
  for (std::size_t k = g * group; k < (g + 1) * group; ++k) {
    out.products += out.largest_x * (std::abs(static_cast<double>(w[k])) + 2 * std::abs(bias));
  }
  return out;
}

// Rounding of x: half a step, t / 2 = max / 254, and what 127 / max, the product with it and t
// itself are rounded by, each at most u of 127 steps: (1 + 6 * 127 u) is more. Rounding of sums: a
// group's codes are summed exactly, converted, and scaled with x's scale (rounded itself), W's
// scale and bias, 6 roundings; then there are as many sums as groups, twice. Where x is not
// rounded, the weights are rounded once, and dot_bound() says the rest.
double bound_of(bool rounds_x, const QuantizedCase& c, const float* x, std::size_t n,
                const float* w, double bias) {
  const std::size_t groups = c.K / static_cast<std::size_t>(c.format.group_size);
  double rounding = 0, products = std::abs(bias);
  for (std::size_t g = 0; g < groups; ++g) {
    const Magnitudes group = magnitudes_of(c, x, n, w, g);
    rounding += group.largest_x / 254 * group.sum_w;
    products += group.products;
  }
  if (!rounds_x) return dot_bound(c.K + 1, products);
  return rounding * (1 + 6 * 127 * kUnitRoundoff) + dot_bound(2 * groups + 6, products);
}

struct Shape {
  std::size_t M, K;
};

TEST(QuantizedManyRows, StaysWithinTheBound) {
  std::mt19937_64 random(2);
  std::size_t at = 0;
  for (const Quantization& format : all_formats()) {
    for (const Shape& shape : {Shape{5, 384}, Shape{31, 384}, Shape{31, 2688}}) {
      if (at++ % kCaseStep != 0) continue;
      const std::size_t M = shape.M, N = 40, K = shape.K;
      const QuantizedCase c = random_case(format, WeightType::kF32, N, K, 0.1F, random);
      const std::vector<float> x = uniform_floats(M * K, 3.0F, random);
      const std::vector<float> bias = uniform_floats(N, 1.0F, random);
      const std::vector<float> truth = run(kernels::quantized_linear_reference, x, c, bias);
      std::vector<float> row(K);
      for_each_way([&](const char* target) {
        if (M <= kernels::quantized_linear_dot_rows()) return;
        const std::vector<float> y = run(on(test_pool(), kernels::quantized_linear), x, c, bias);
        double worst = 0;
        for (std::size_t n = 0; n < N; ++n) {
          kernels::dequantize_row(c.matrix(), n, K, row.data());
          for (std::size_t m = 0; m < M; ++m) {
            const double error = std::abs(static_cast<double>(y[m * N + n]) - truth[m * N + n]);
            const double bound = bound_of(kernels::quantized_linear_rounds_x(), c, x.data() + m * K,
                                          n, row.data(), bias[n]);
            worst = std::max(worst, error / bound);
          }
        }
        EXPECT_LE(worst, 1.0) << text(c, M, target);
        EXPECT_GT(worst, 0.0) << "not even rounding: " << text(c, M, target);
      });
    }
  }
}

TEST(QuantizedManyRows, WritesItsOutputsAndNothingElse) {
  std::mt19937_64 random(3);
  for (const std::size_t offset : {0, 1, 3}) {
    const std::size_t M = offset == 1 ? 5 : 23, N = 37, K = 128;
    const QuantizedCase c = whole_case(all_formats()[offset], WeightType::kBF16, N, K, random);
    const std::vector<float> packed = exact_x(M, K, random);
    const std::vector<float> truth = run(kernels::quantized_linear_reference, packed, c, {});
    const std::size_t stride = K + offset;
    std::vector<float> x(offset + M * stride, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t at = 0; at < M * K; ++at) x[offset + at / K * stride + at % K] = packed[at];
    for_each_way([&](const char* target) {
      if (M <= kernels::quantized_linear_dot_rows()) return;
      GuardedRows y(M, N, N + offset, offset);
      kernels::quantized_linear(test_pool(), x.data() + offset, static_cast<std::ptrdiff_t>(stride),
                                c.matrix(), nullptr, y.data(),
                                static_cast<std::ptrdiff_t>(N + offset), M, N, K);
      EXPECT_EQ(y.values(), truth) << text(c, M, target) << " offset " << offset;
      EXPECT_TRUE(y.intact()) << text(c, M, target) << " offset " << offset;
    });
  }
}

TEST(QuantizedManyRows, ThreadCountDoesNotChangeABit) {
  std::mt19937_64 random(4);
  for (const std::size_t M : {5, 40, 700}) {
    const QuantizedCase c =
        random_case({QuantizationMode::kAffine, 4, 64}, WeightType::kBF16, 500, 640, 0.1F, random);
    const std::vector<float> x = uniform_floats(M * c.K, 1.0F, random);
    ThreadPool alone(1);
    const std::vector<float> one = run(on(alone, kernels::quantized_linear), x, c, {});
    for (const std::size_t threads : {2, 3, 5}) {
      ThreadPool pool(threads);
      EXPECT_EQ(run(on(pool, kernels::quantized_linear), x, c, {}), one) << threads;
    }
  }
}

TEST(QuantizedManyRows, ARowDoesNotDependOnTheOthersOrOnTheirNumber) {
  // Two kernels may share the work: what few rows and what very many go by is the same to the bit.
  std::mt19937_64 random(7);
  constexpr std::size_t kMost = 300, N = 45;
  std::size_t at = 0;
  for (const Quantization& format : all_formats()) {
    if (at++ % kCaseStep != 0) continue;
    const std::size_t K = 9 * static_cast<std::size_t>(format.group_size);
    const QuantizedCase c = random_case(format, WeightType::kBF16, N, K, 0.1F, random);
    const std::vector<float> x = uniform_floats(kMost * K, 1.0F, random);
    const std::vector<float> bias = uniform_floats(N, 1.0F, random);
    for_each_way([&](const char* target) {
      const std::vector<float> all = run(on(test_pool(), kernels::quantized_linear), x, c, bias);
      const std::size_t fewest = kernels::quantized_linear_dot_rows() + 1;
      for (const std::size_t M : {fewest, fewest + 1, std::size_t{14}, std::size_t{15},
                                  std::size_t{33}, std::size_t{71}, std::size_t{141}}) {
        if (M < fewest) continue;
        const std::size_t first = random() % (kMost - M);
        const auto begin = static_cast<std::ptrdiff_t>(first * K);
        const std::vector<float> some = {x.begin() + begin,
                                         x.begin() + begin + static_cast<std::ptrdiff_t>(M * K)};
        const std::vector<float> y = run(on(test_pool(), kernels::quantized_linear), some, c, bias);
        EXPECT_TRUE(
            std::equal(y.begin(), y.end(), all.begin() + static_cast<std::ptrdiff_t>(first * N)))
            << text(c, M, target) << " from row " << first;
      }
    });
  }
}

#if defined(__x86_64__)
TEST(QuantizedManyRows, AllVectorsOfBytesGiveTheSameBits) {
  // Sums of groups are exact, and scaled and added in one order, whatever multiplies.
  std::mt19937_64 random(9);
  constexpr std::size_t N = 37;
  for (const Quantization& format : all_formats()) {
    const std::size_t K = 5 * static_cast<std::size_t>(format.group_size);
    const QuantizedCase c = random_case(format, WeightType::kF16, N, K, 0.1F, random);
    const std::vector<float> x = uniform_floats(7 * K, 1.0F, random);
    std::vector<float> first;
    for_each_way([&](const char* target) {
      if (!kernels::quantized_linear_rounds_x()) return;
      const std::vector<float> y = run(on(test_pool(), kernels::quantized_linear), x, c, {});
      if (first.empty()) first = y;
      EXPECT_EQ(y, first) << text(c, 7, target);
    });
  }
}
#endif

TEST(QuantizedManyRows, WhatIsNotANumberReachesItsRowOnly) {
  std::mt19937_64 random(5);
  constexpr std::size_t N = 40, K = 192;
  const QuantizedCase c =
      random_case({QuantizationMode::kAffine, 8, 64}, WeightType::kF32, N, K, 0.1F, random);
  for (const float odd :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    const std::size_t M = std::isnan(odd) ? 20 : 140;
    std::vector<float> x = uniform_floats(M * K, 1.0F, random);
    x[7 * K + 100] = odd;
    for_each_way([&](const char* target) {
      const std::vector<float> y = run(on(test_pool(), kernels::quantized_linear), x, c, {});
      for (std::size_t at = 0; at < y.size(); ++at) {
        ASSERT_EQ(std::isfinite(y[at]), at / N != 7) << target << " at " << at;
      }
    });
  }
}

TEST(QuantizedManyRows, GroupsOfZerosAndOfAlmostNothingAddNothing) {
  std::mt19937_64 random(6);
  constexpr std::size_t M = 20, N = 5, K = 128;
  const QuantizedCase c =
      random_case({QuantizationMode::kAffine, 4, 32}, WeightType::kF32, N, K, 0.1F, random);
  std::vector<float> x(M * K, 0.0F);
  for (std::size_t at = 0; at < x.size(); at += 3) x[at] = 1e-40F;
  const std::vector<float> bias = uniform_floats(N, 1.0F, random);
  for_each_way([&](const char* target) {
    const std::vector<float> y = run(on(test_pool(), kernels::quantized_linear), x, c, bias);
    for (std::size_t at = 0; at < y.size(); ++at) EXPECT_EQ(y[at], bias[at % N]) << target;
  });
}

}  // namespace
}  // namespace xlstm::testing
