#include "xlstm/kernels/quantize/gptq.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/quantized_cases.h"
#include "xlstm/kernels/quantize/add_product.h"
#include "xlstm/kernels/quantize/ldl_factor.h"
#include "xlstm/kernels/quantize/quantize_matrix.h"

namespace xlstm::testing {
namespace {

using kernels::LdlFactor;
using kernels::Rounding;
using kernels::WeightType;

std::vector<float> normal(std::size_t count, std::uint64_t seed, float deviation = 1.0F) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> distribution(0.0F, deviation);
  std::vector<float> out(count);
  for (float& x : out) x = distribution(random);
  return out;
}

// Mean of x x^T over inputs that share a few directions, as activations do.
std::vector<float> moments(std::size_t K, std::size_t tokens, std::uint64_t seed) {
  const std::size_t shared = 8;
  const auto directions = normal(shared * K, seed), own = normal(tokens * K, seed + 1);
  const auto strengths = normal(tokens * shared, seed + 2);
  std::vector<double> sum(K * K);
  for (std::size_t t = 0; t < tokens; ++t) {
    std::vector<double> x(own.begin() + static_cast<std::ptrdiff_t>(t * K),
                          own.begin() + static_cast<std::ptrdiff_t>((t + 1) * K));
    for (std::size_t s = 0; s < shared; ++s) {
      for (std::size_t k = 0; k < K; ++k) x[k] += strengths[t * shared + s] * directions[s * K + k];
    }
    for (std::size_t i = 0; i < K; ++i) {
      for (std::size_t j = 0; j < K; ++j) sum[i * K + j] += x[i] * x[j];
    }
  }
  std::vector<float> out(K * K);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(sum[i] / static_cast<double>(tokens));
  }
  return out;
}

// d^T H d
double error_of(const std::vector<double>& d, const std::vector<float>& H) {
  const std::size_t K = d.size();
  double sum = 0;
  for (std::size_t i = 0; i < K; ++i) {
    for (std::size_t j = 0; j < K; ++j) sum += d[i] * H[i * K + j] * d[j];
  }
  return sum;
}

struct Rounded {
  QuantizedCase matrix;
  std::vector<float> values;
};

Rounded rounded(const std::vector<float>& W, std::size_t N, std::size_t K,
                const Quantization& format, const LdlFactor* factor,
                WeightType type = WeightType::kBF16) {
  Rounded out;
  QuantizedCase& q = out.matrix;
  const bool affine = format.mode == QuantizationMode::kAffine;
  const std::size_t groups = N * K / static_cast<std::size_t>(format.group_size);
  q.format = format;
  q.scale_type = type;
  q.N = N;
  q.K = K;
  q.words.resize(N *
                 static_cast<std::size_t>(quantized_words(format, static_cast<std::int64_t>(K))));
  q.scales.resize(groups * (affine ? weight_bytes(type) : 1));
  if (affine) q.biases.resize(groups * weight_bytes(type));
  const kernels::QuantizedRows rows = {q.words.data(), q.scales.data(), q.biases.data(), type};
  if (factor != nullptr) {
    kernels::gptq_rows(W.data(), N, *factor, format, Rounding::kSearch, rows);
  } else {
    kernels::quantize_rows(W.data(), N, K, format, Rounding::kSearch, nullptr, rows);
  }
  out.values.resize(N * K);
  for (std::size_t n = 0; n < N; ++n) {
    kernels::dequantize_row(q.matrix(), n, K, out.values.data() + n * K);
  }
  return out;
}

double weighted_error(const std::vector<float>& W, const std::vector<float>& values,
                      const std::vector<float>& H, std::size_t N, std::size_t K) {
  double sum = 0;
  for (std::size_t n = 0; n < N; ++n) {
    std::vector<double> d(K);
    for (std::size_t k = 0; k < K; ++k) {
      d[k] = static_cast<double>(W[n * K + k]) - values[n * K + k];
    }
    sum += error_of(d, H);
  }
  return sum;
}

TEST(AddProduct, IsTheProductAtEverySize) {
  for (std::size_t M = 1; M <= 9; ++M) {
    for (const std::size_t N : {1, 7, 32, 71}) {
      const std::size_t K = 5, lda = 6, ldb = 80, ldc = 75;
      const auto A = normal(M * lda, M), B = normal(K * ldb, N);
      const auto before = normal(M * ldc, 3);
      auto C = before;
      kernels::add_product({A.data(), lda, B.data(), ldb, C.data(), ldc, M, K, N});
      for (std::size_t i = 0; i < M * ldc; ++i) {
        const std::size_t m = i / ldc, n = i % ldc;
        double wanted = before[i], size = std::abs(before[i]);
        for (std::size_t k = 0; n < N && k < K; ++k) {
          wanted += static_cast<double>(A[m * lda + k]) * B[k * ldb + n];
          size += std::abs(A[m * lda + k] * B[k * ldb + n]);
        }
        // K products and sums, each rounded by at most half an epsilon of the sizes added.
        ASSERT_NEAR(C[i], wanted, 1.2e-7 * (K + 1) * size) << M << " " << N << " at " << i;
      }
    }
  }
}

// The sum of squares that the factor stands for is d^T (H + damping) d.
TEST(LdlFactor, SquaresAddUpToTheError) {
  for (const std::size_t K : {32, 64, 96, 160, 224}) {
    const auto H = moments(K, 2 * K, K);
    const LdlFactor factor = kernels::factor_moments(test_pool(), H, K);
    auto damped = H;
    double mean = 0;
    for (std::size_t k = 0; k < K; ++k) mean += H[k * K + k] / static_cast<double>(K);
    for (std::size_t k = 0; k < K; ++k) damped[k * K + k] += static_cast<float>(0.01 * mean);
    const auto random = normal(K, 5);
    const std::vector<double> d(random.begin(), random.end());
    double sum = 0;
    for (std::size_t j = 0; j < K; ++j) {
      double part = d[j];
      for (std::size_t i = 0; i < j; ++i) part += d[i] * factor.U[i * K + j];
      sum += factor.D[j] * part * part;
    }
    // A Cholesky factor in float is exact for a matrix that differs by at most (K + 1) epsilons of
    // the diagonal's sizes, here the trace.
    double size = 0;
    for (const double x : d) size += x * x;
    EXPECT_NEAR(sum, error_of(d, damped),
                1.2e-7 * static_cast<double>(K + 1) * mean * static_cast<double>(K) * size);
  }
}

TEST(LdlFactor, TakesWhatHasNoInverse) {
  const std::size_t K = 128;
  const LdlFactor none = kernels::factor_moments(test_pool(), std::vector<float>(K * K), K);
  for (std::size_t k = 0; k < K; ++k) EXPECT_EQ(none.D[k], 1.0F);
  std::vector<float> one(K * K, 1e6F);  // all inputs the same
  for (const float weight : kernels::factor_moments(test_pool(), one, K).D) {
    EXPECT_TRUE(std::isfinite(weight) && weight > 0) << weight;
  }
  // Not semidefinite at all, as no mean of x x^T is.
  std::vector<float> wrong(K * K, 1.0F);
  wrong[3 * K + 7] = 50.0F;
  for (const float weight : kernels::factor_moments(test_pool(), wrong, K).D) {
    EXPECT_TRUE(std::isfinite(weight) && weight > 0) << weight;
  }
}

TEST(Gptq, ErrsLessThanRoundingAlone) {
  const std::size_t N = 37, K = 384;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    const auto W = normal(N * K, seed, 0.05F), H = moments(K, 2 * K, seed);
    const LdlFactor factor = kernels::factor_moments(test_pool(), H, K);
    for (const Quantization& format : all_formats()) {
      const double plain = weighted_error(W, rounded(W, N, K, format, nullptr).values, H, N, K);
      const double made_up = weighted_error(W, rounded(W, N, K, format, &factor).values, H, N, K);
      EXPECT_LT(made_up, 0.8 * plain) << to_string(format) << ", seed " << seed;
    }
  }
}

// Where inputs have nothing to do with each other there is nothing to make up for.
TEST(Gptq, IsRoundingWhereInputsAreApart) {
  const std::size_t N = 5, K = 256;
  const auto W = normal(N * K, 9, 0.05F);
  std::vector<float> H(K * K);
  for (std::size_t k = 0; k < K; ++k) H[k * K + k] = 2.0F;
  const LdlFactor factor = kernels::factor_moments(test_pool(), H, K);
  const Quantization format = {QuantizationMode::kMxfp4, 4, 32};
  EXPECT_EQ(rounded(W, N, K, format, &factor).values, rounded(W, N, K, format, nullptr).values);
}

// Each row for itself: a matrix in parts is the matrix.
TEST(Gptq, RowsAreApart) {
  const std::size_t N = 67, K = 128;
  const auto W = normal(N * K, 4, 0.05F);
  const LdlFactor factor = kernels::factor_moments(test_pool(), moments(K, 300, 4), K);
  const Quantization format = {QuantizationMode::kAffine, 3, 32};
  const auto all = rounded(W, N, K, format, &factor).values;
  // Four rows and two vectors at a time add up in another order than single rows do.
  const std::vector<float> few(W.begin(), W.begin() + static_cast<std::ptrdiff_t>(32 * K));
  const auto part = rounded(few, 32, K, format, &factor).values;
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin()));
}

TEST(Gptq, RefusesNumbersThatAreNone) {
  const std::size_t K = 64;
  std::vector<float> W(2 * K, 0.5F);
  W[K + 3] = std::nanf("");
  const LdlFactor factor = kernels::factor_moments(test_pool(), std::vector<float>(K * K), K);
  std::vector<std::uint32_t> words(2 * K / 8);
  std::vector<float> scales(2), biases(2);
  EXPECT_ANY_THROW(kernels::gptq_matrix(
      test_pool(), std::as_bytes(std::span(W)), DType::kF32, 2, factor, {}, Rounding::kSearch,
      {words.data(), scales.data(), biases.data(), WeightType::kF32}, "W"));
}

}  // namespace
}  // namespace xlstm::testing
