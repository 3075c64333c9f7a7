#include "xlstm/kernels/quantize/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tests/kernels/quantized_cases.h"

namespace xlstm::testing {
namespace {

using kernels::Rounding;
using kernels::WeightType;

struct Matrix {
  std::size_t N, K;
  std::vector<float> values;
};

Matrix random_matrix(std::size_t N, std::size_t K, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0F, 0.05F);
  Matrix out{N, K, std::vector<float>(N * K)};
  for (float& x : out.values) x = normal(random);
  return out;
}

QuantizedCase quantised(const Matrix& W, const Quantization& format, WeightType type,
                        Rounding rounding, const float* importance = nullptr) {
  QuantizedCase out;
  out.format = format;
  out.scale_type = type;
  out.N = W.N;
  out.K = W.K;
  const bool affine = format.mode == QuantizationMode::kAffine;
  const std::size_t groups = W.N * W.K / static_cast<std::size_t>(format.group_size);
  out.words.resize(
      W.N * static_cast<std::size_t>(quantized_words(format, static_cast<std::int64_t>(W.K))));
  out.scales.resize(groups * (affine ? weight_bytes(type) : 1));
  if (affine) out.biases.resize(groups * weight_bytes(type));
  kernels::quantize_rows(W.values.data(), W.N, W.K, format, rounding, importance,
                         {out.words.data(), out.scales.data(), out.biases.data(), type});
  return out;
}

std::vector<float> dequantised(const QuantizedCase& q) {
  std::vector<float> out(q.N * q.K);
  for (std::size_t n = 0; n < q.N; ++n) {
    kernels::dequantize_row(q.matrix(), n, q.K, out.data() + n * q.K);
  }
  return out;
}

double squared_error(const Matrix& W, const std::vector<float>& values, std::size_t begin,
                     std::size_t end, const float* importance = nullptr) {
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const double r = static_cast<double>(W.values[i]) - values[i];
    sum += r * r * (importance != nullptr ? importance[i % W.K] : 1.0F);
  }
  return sum;
}

// Largest distance from a group's ends to its codes, in steps: half a step, and what rounding the
// scale (a share 2^-9 of up to 2^bits - 1 steps) and the bias (of at most as many) to bfloat16
// adds.
TEST(Quantize, EveryElementIsNearACode) {
  const Matrix W = random_matrix(5, 256, 1);
  for (const Quantization& format : all_formats()) {
    if (format.mode != QuantizationMode::kAffine) continue;
    const QuantizedCase q = quantised(W, format, WeightType::kF32, Rounding::kMinMax);
    const std::vector<float> values = dequantised(q);
    const auto size = static_cast<std::size_t>(format.group_size);
    for (std::size_t begin = 0; begin < W.values.size(); begin += size) {
      const auto [least, most] =
          std::minmax_element(W.values.begin() + static_cast<std::ptrdiff_t>(begin),
                              W.values.begin() + static_cast<std::ptrdiff_t>(begin + size));
      // The scale is stretched so that 0 is a code: by at most half a step in (2^bits - 1) / 2.
      const float codes = static_cast<float>((1 << format.bits) - 1);
      const float step = (*most - *least) / codes;
      for (std::size_t i = begin; i < begin + size; ++i) {
        ASSERT_LE(std::abs(W.values[i] - values[i]), 1.01F * step) << to_string(format);
      }
    }
  }
}

// Codes that are known lie where the layout says: quantising a matrix that is exactly representable
// gives it back, bit by bit.
TEST(Quantize, GivesBackWhatIsRepresentable) {
  std::mt19937_64 random(2);
  for (const Quantization& format : all_formats()) {
    Matrix W{3, 256, std::vector<float>(3 * 256)};
    const auto size = static_cast<std::size_t>(format.group_size);
    const int codes = 1 << format.bits;
    for (std::size_t i = 0; i < W.values.size(); ++i) {
      // 0, the largest code and others, shuffled by position; mxfp4: -6 to 6.
      int code = static_cast<int>(random() % static_cast<unsigned>(codes));
      if (i % size == 3) code = 0;
      if (i % size == 8) code = codes - 1;
      W.values[i] =
          format.mode == QuantizationMode::kAffine
              ? 0.5F * static_cast<float>(code)
              : 0.25F *
                    std::array{
                        0.F, .5F,  1.F,  1.5F,  2.F,  3.F,  4.F,  6.F,
                        0.F, -.5F, -1.F, -1.5F, -2.F, -3.F, -4.F, -6.F}[static_cast<std::size_t>(
                        code)];
    }
    for (const Rounding rounding : {Rounding::kMinMax, Rounding::kSearch}) {
      for (const WeightType type : {WeightType::kF32, WeightType::kBF16, WeightType::kF16}) {
        EXPECT_EQ(dequantised(quantised(W, format, type, rounding)), W.values) << to_string(format);
      }
    }
  }
}

TEST(Quantize, SearchIsNeverWorse) {
  Matrix W = random_matrix(8, 256, 3);
  W.values[40] = 1.0F;  // an outlier
  std::vector<float> importance(W.K);
  std::mt19937_64 random(4);
  for (float& h : importance) h = std::exp(static_cast<float>(random() % 1000) / 200.0F);
  for (const Quantization& format : all_formats()) {
    for (const WeightType type : {WeightType::kF32, WeightType::kBF16, WeightType::kF16}) {
      for (const float* h : std::initializer_list<const float*>{nullptr, importance.data()}) {
        const auto plain = dequantised(quantised(W, format, type, Rounding::kMinMax));
        const auto best = dequantised(quantised(W, format, type, Rounding::kSearch, h));
        const auto size = static_cast<std::size_t>(format.group_size);
        double all_plain = 0, all_best = 0;
        for (std::size_t begin = 0; begin < W.values.size(); begin += size) {
          const double a = squared_error(W, plain, begin, begin + size, h);
          const double b = squared_error(W, best, begin, begin + size, h);
          // Errors are summed in float32 while searching: 128 roundings at most.
          ASSERT_LE(b, a * (1 + 128 * 0x1p-23)) << to_string(format);
          all_plain += a;
          all_best += b;
        }
        EXPECT_LT(all_best, all_plain) << to_string(format);
      }
    }
  }
}

// With 4 bits and groups of 64 normal weights the search takes a tenth off the squared error; with
// 2 bits a third.
TEST(Quantize, SearchPaysWithFewBits) {
  const Matrix W = random_matrix(64, 512, 5);
  const auto share = [&](int bits) {
    const Quantization format{QuantizationMode::kAffine, bits, 64};
    const auto error = [&](Rounding rounding) {
      const auto values = dequantised(quantised(W, format, WeightType::kBF16, rounding));
      return squared_error(W, values, 0, W.values.size());
    };
    return error(Rounding::kSearch) / error(Rounding::kMinMax);
  };
  EXPECT_LT(share(4), 0.9);
  EXPECT_LT(share(3), 0.8);
  EXPECT_LT(share(2), 0.7);
}

TEST(Quantize, ImportanceMovesTheErrorAway) {
  const Matrix W = random_matrix(32, 256, 6);
  std::vector<float> importance(W.K, 1.0F);
  for (std::size_t k = 0; k < W.K; k += 8) importance[k] = 100.0F;
  const Quantization format{QuantizationMode::kAffine, 3, 64};
  const auto even = dequantised(quantised(W, format, WeightType::kBF16, Rounding::kSearch));
  const auto led =
      dequantised(quantised(W, format, WeightType::kBF16, Rounding::kSearch, importance.data()));
  const auto all = W.values.size();
  EXPECT_LT(squared_error(W, led, 0, all, importance.data()),
            0.8 * squared_error(W, even, 0, all, importance.data()));
}

TEST(Quantize, GroupsOfOneValue) {
  for (const Quantization& format : all_formats()) {
    for (const float value : {0.0F, 1.0F, -0.5F, 1e-20F}) {
      Matrix W{1, 128, std::vector<float>(128, value)};
      for (const Rounding rounding : {Rounding::kMinMax, Rounding::kSearch}) {
        for (const float got : dequantised(quantised(W, format, WeightType::kBF16, rounding))) {
          // mxfp4 has no code for every value: at most 1/6 off (between 5 and its neighbours 4, 6).
          const float bound = format.mode == QuantizationMode::kMxfp4 ? std::abs(value) / 4 : 1e-7F;
          ASSERT_NEAR(got, value, bound) << to_string(format);
        }
      }
    }
  }
}

TEST(Quantize, RowsDoNotDependOnEachOther) {
  const Matrix W = random_matrix(6, 128, 7);
  const Matrix last{1, 128, {W.values.end() - 128, W.values.end()}};
  for (const Quantization& format : all_formats()) {
    const auto all = dequantised(quantised(W, format, WeightType::kBF16, Rounding::kSearch));
    const auto one = dequantised(quantised(last, format, WeightType::kBF16, Rounding::kSearch));
    EXPECT_TRUE(std::equal(one.begin(), one.end(), all.end() - 128));
  }
}

// Largest and smallest floats: no infinity and no NaN may come of them.
TEST(Quantize, Extremes) {
  for (const Quantization& format : all_formats()) {
    for (const float size : {1e30F, 1e-30F, 1e-44F}) {
      Matrix W = random_matrix(2, 128, 8);
      for (float& x : W.values) x *= size;
      for (const Rounding rounding : {Rounding::kMinMax, Rounding::kSearch}) {
        for (const float x : dequantised(quantised(W, format, WeightType::kBF16, rounding))) {
          ASSERT_TRUE(std::isfinite(x)) << to_string(format) << " " << size;
        }
      }
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
