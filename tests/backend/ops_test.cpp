// Every op of every backend against its float64 reference or its formula.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/backend/op_test.h"
#include "tests/backend/random_values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/kernels/elementwise/elementwise.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/quantize/quantize.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/kernels/swiglu/swiglu.h"

namespace xlstm::testing {
namespace {

class Ops : public OpTest {};

INSTANTIATE_TEST_SUITE_P(Backends, Ops, ::testing::ValuesIn(all_backends()), backend_name);

struct NormShape {
  std::int64_t rows, NH, width;
};
const NormShape kNormShapes[] = {{1, 1, 1},   {3, 1, 7},   {2, 3, 32},  {5, 4, 64},
                                 {1, 8, 512}, {64, 4, 65}, {2, 8, 1040}};

TEST_P(Ops, RmsNormAgreesWithTheReference) {
  for (const auto& [rows, NH, width] : kNormShapes) {
    const std::int64_t D = NH * width;
    auto x = uniform(rows * D, 3, 1), w = uniform(D, 2, 2), bias = uniform(D, 1, 3);
    const Tensor in = activations({rows, D}, x);
    const Norm norm = b.prepare(Norm{activations({D}, w), activations({D}, bias)});
    std::vector<float> truth(x.size());
    kernels::rms_norm_reference(x.data(), w.data(), bias.data(), 1e-6F, truth.data(), length(rows),
                                length(D));
    const auto got = values_of(b, b.rms_norm(in, norm, 1e-6F));
    ASSERT_EQ(got.size(), truth.size());
    for (std::size_t at = 0; at < truth.size(); ++at) {
      // mean of squares: D roundings; rsqrt, three products and a sum: 5 more, on |y - b| and b.
      // In bfloat16: the normed x, the product and the sum are rounded.
      const double size = std::abs(truth[at]) + 2;
      const double bound = 0x1p-23 * static_cast<double>(D + 5) * size +
                           (GetParam().is_float32() ? 0 : 3 * eps() * size);
      ASSERT_NEAR(got[at], truth[at], bound) << rows << " x " << D << " at " << at;
    }
  }
}

TEST_P(Ops, HeadNormAgreesWithTheReference) {
  for (const auto& [rows, NH, width] : kNormShapes) {
    const std::int64_t V = NH * width;
    auto h = uniform(rows * V, 3, 4), w = uniform(V, 2, 5), bias = uniform(V, 1, 6);
    for (float& value : h) value += 2;  // a mean to subtract
    const Norm norm = b.prepare(Norm{activations({V}, w), activations({V}, bias)});
    std::vector<float> truth(h.size());
    kernels::head_norm_reference(h.data(), w.data(), bias.data(), 1e-6F, truth.data(), length(rows),
                                 length(NH), length(width));
    const auto got = values_of(b, b.head_norm(b.floats({rows, V}, h), norm, NH, 1e-6F));
    ASSERT_EQ(got.size(), truth.size());
    for (std::size_t at = 0; at < truth.size(); ++at) {
      // u - mean loses eps * width * |u| absolute (|u| <= 5), then is scaled by r <= 1000 (eps =
      // 1e-6) only where a head has one value; elsewhere the spread is of order 1 and r too.
      const double r = width == 1 ? 1000 : 4, size = std::abs(truth[at]) + 1;
      const double bound = 0x1p-23 * static_cast<double>(width + 6) * (10 * r + size) +
                           (GetParam().is_float32() ? 0 : 3 * eps() * size);
      ASSERT_NEAR(got[at], truth[at], bound) << rows << " x " << NH << " x " << width;
    }
  }
}

TEST_P(Ops, HeadNormOfAConstantHeadGivesTheBias) {
  const std::vector<float> one(16, 1), half(16, 0.5F);
  const Norm norm = b.prepare(Norm{b.floats({16}, one), b.floats({16}, half)});
  for (const float y : values_of(b, b.head_norm(b.filled({1, 16}, 3), norm, 2, 1e-6F))) {
    EXPECT_EQ(y, 0.5F);
  }
}

// Weights of a type, and the numbers that they are.
Tensor typed_weights(Backend& b, const TensorShape& shape, DType dtype, std::vector<float>& w) {
  Tensor tensor = b.allocate(shape, dtype, "weights");
  floats_to(w.data(), w.size(), dtype, b.writable(tensor).data());
  std::vector<std::byte> bytes(w.size() * size_of(dtype));
  floats_to(w.data(), w.size(), dtype, bytes.data());
  floats_from(bytes.data(), dtype, w.size(), w.data());
  return tensor;
}

TEST_P(Ops, LinearAgreesWithTheReferenceForEveryTypeOfWeights) {
  for (const DType type : {DType::kF32, DType::kBF16, DType::kF16}) {
    for (const auto& [M, K, N] : {std::tuple<std::int64_t, std::int64_t, std::int64_t>(1, 96, 33),
                                  {5, 64, 128},
                                  {70, 33, 65},
                                  {0, 8, 8}}) {
      auto x = uniform(M * K, 1, 8), w = uniform(N * K, 1, 9), bias = uniform(N, 1, 10);
      const Tensor in = activations({M, K}, x);
      const Dense dense =
          b.prepare(Dense{typed_weights(b, {N, K}, type, w), activations({N}, bias)});
      std::vector<float> truth(length(M * N));
      kernels::linear_reference(x.data(), K, w.data(), kernels::WeightType::kF32, bias.data(),
                                truth.data(), N, length(M), length(N), length(K));
      const Tensor y = b.linear(in, dense);
      EXPECT_EQ(y.shape(), (TensorShape{M, N}));
      const auto got = values_of(b, y);
      ASSERT_EQ(got.size(), truth.size());
      // A sum of K products below 1 and a bias below 1. A backend may round x, and the result, to
      // the weights' type: at most 2^-8 of each product, and of the result.
      const double sizes = static_cast<double>(K + 1);
      const bool rounds = type != DType::kF32 || !GetParam().is_float32();
      const double bound = 0x1p-23 * sizes * sizes + (rounds ? 0x1p-8 * 2 * sizes : 0);
      for (std::size_t at = 0; at < got.size(); ++at) {
        ASSERT_NEAR(got[at], truth[at], bound) << name_of(type) << " " << M << " " << K << " " << N;
      }
    }
  }
}

// W [N, K], quantised, with the numbers that it stands for.
struct QuantizedWeights {
  QuantizedTensor tensor;
  std::vector<float> values;
};

QuantizedWeights quantized_weights(Backend& b, const Quantization& format, std::int64_t N,
                                   std::int64_t K) {
  const auto w = uniform(N * K, 1, 11);
  const bool affine = format.mode == QuantizationMode::kAffine;
  const DType scale_type = affine ? DType::kF32 : DType::kU8;
  const TensorShape groups = {N, K / format.group_size};
  QuantizedWeights out = {{b.allocate({N, quantized_words(format, K)}, DType::kU32, "words"),
                           b.allocate(groups, scale_type, "scales"),
                           affine ? b.allocate(groups, scale_type, "biases") : Tensor(), format},
                          std::vector<float>(w.size())};
  kernels::QuantizedRows rows;
  rows.words = reinterpret_cast<std::uint32_t*>(b.writable(out.tensor.words).data());
  rows.scales = b.writable(out.tensor.scales).data();
  rows.biases = affine ? b.writable(out.tensor.biases).data() : nullptr;
  rows.scale_type = kernels::WeightType::kF32;
  kernels::quantize_rows(w.data(), length(N), length(K), format, kernels::Rounding::kMinMax,
                         nullptr, rows);
  const kernels::QuantizedMatrix matrix = {format, rows.words, rows.scales, rows.biases,
                                           rows.scale_type};
  for (std::int64_t n = 0; n < N; ++n) {
    kernels::dequantize_row(matrix, length(n), length(K), out.values.data() + n * K);
  }
  return out;
}

const Quantization kFormats[] = {{QuantizationMode::kAffine, 4, 64},
                                 {QuantizationMode::kAffine, 8, 32},
                                 {QuantizationMode::kAffine, 3, 128},
                                 {QuantizationMode::kMxfp4, 4, 32}};

TEST_P(Ops, LinearAgreesWithTheReferenceForQuantisedWeights) {
  constexpr std::int64_t N = 40, K = 256;
  for (const Quantization& format : kFormats) {
    for (const std::int64_t M : {1, 5, 70}) {
      auto x = uniform(M * K, 1, 12), bias = uniform(N, 1, 13);
      const Tensor in = activations({M, K}, x);
      const QuantizedWeights w = quantized_weights(b, format, N, K);
      std::vector<float> truth(length(M * N));
      kernels::linear_reference(x.data(), K, w.values.data(), kernels::WeightType::kF32,
                                bias.data(), truth.data(), N, length(M), length(N), length(K));
      const auto got =
          values_of(b, b.linear(in, b.prepare(Dense{w.tensor, activations({N}, bias)})));
      ASSERT_EQ(got.size(), truth.size());
      // x may be rounded to 8 bits of its group's largest, which is at most 1, and the result.
      const double bound = static_cast<double>(K + 1) * (0.5 / 127 + 0x1p-8) + 3 * eps();
      for (std::size_t at = 0; at < got.size(); ++at) {
        ASSERT_NEAR(got[at], truth[at], bound) << to_string(format) << " M " << M;
      }
    }
  }
}

TEST_P(Ops, EmbedTakesRows) {
  constexpr std::int64_t V = 9, D = 128;
  const std::vector<std::int32_t> ids = {8, 0, 3, 3, 1, 7};
  const auto check = [&](const WeightTensor& W, const std::vector<float>& values, double error) {
    const Tensor rows = b.embed(W, b.ids({2, 3}, ids));
    EXPECT_EQ(rows.shape(), (TensorShape{6, D}));
    EXPECT_EQ(rows.dtype(), b.activation_dtype());
    const auto got = values_of(b, rows);
    for (std::size_t at = 0; at < got.size(); ++at) {
      const float wanted = values[length(ids[at / D]) * D + at % D];
      ASSERT_NEAR(got[at], wanted, eps() * std::abs(wanted) + error) << at;
    }
  };
  for (const DType type : {DType::kF32, DType::kBF16, DType::kF16}) {
    auto w = uniform(V * D, 1, 14);
    check(typed_weights(b, {V, D}, type, w), w, 0);
  }
  for (const Quantization& format : kFormats) {
    const QuantizedWeights w = quantized_weights(b, format, V, D);
    // scale times code, at most 2, and the bias, at most 1, may be rounded apart
    check(w.tensor, w.values, 3 * eps());
  }
}

TEST_P(Ops, SwigluGatesTheFirstHalf) {
  for (const std::int64_t F : {67, 72, 2056}) {
    constexpr std::int64_t T = 5;
    auto gate_up = uniform(T * 2 * F, 8, 15);
    const Tensor in = activations({T, 2 * F}, gate_up);
    std::vector<float> truth(length(T * F));
    kernels::swiglu_reference(gate_up.data(), truth.data(), length(T), length(F));
    const Tensor y = b.swiglu(in);
    EXPECT_EQ(y.shape(), (TensorShape{T, F}));
    const auto got = values_of(b, y);
    for (std::size_t at = 0; at < truth.size(); ++at) {
      // sigmoid and two products, each rounded
      ASSERT_NEAR(got[at], truth[at], 8 * eps() * std::abs(truth[at]) + 0x1p-120) << at;
    }
  }
}

struct GateShape {
  std::int64_t M, D, N;
};
const GateShape kGateShapes[] = {{1, 64, 8},   {5, 96, 8},    {16, 128, 16},
                                 {37, 64, 32}, {33, 256, 12}, {17, 4096, 16}};

TEST_P(Ops, GatesAreFloat32ProductsOfTheRoundedNorm) {
  for (const auto& [M, D, N] : kGateShapes) {
    auto x = uniform(M * D, 3, 1), w = uniform(D, 2, 2), W = uniform(8 * D, 1, 3);
    const auto W2 = uniform(N * D, 1, 4), bias = uniform(N, 1, 5);
    const Tensor in = activations({M, D}, x);
    const Norm norm = b.prepare(Norm{activations({D}, w), Tensor()});
    const Dense qkvo = b.prepare(Dense{activations({8, D}, W), {}});
    const Dense gates = b.prepare(Dense{b.floats({N, D}, W2), b.floats({N}, bias)});
    const auto both = b.mlstm_projections(in, norm, 1e-6F, qkvo, gates);
    const Tensor y = b.rms_norm(in, norm, 1e-6F);
    const auto normed = values_of(b, y), got = values_of(b, both.gates);
    const auto first = values_of(b, both.qkvo), wanted_first = values_of(b, b.linear(y, qkvo));
    ASSERT_EQ(got.size(), length(M * N));
    for (std::int64_t m = 0; m < M; ++m) {
      double most = 0, all = 0;
      for (std::int64_t n = 0; n < N; ++n) {
        double sum = bias[length(n)], size = 0;
        for (std::int64_t d = 0; d < D; ++d) {
          const double term =
              static_cast<double>(normed[length(m * D + d)]) * W2[length(n * D + d)];
          sum += term;
          size += std::abs(term);
          most = std::max(most, std::abs(term));
        }
        all = std::max(all, size);
        // float32's sum; and a norm that is summed in another order rounds a few numbers otherwise.
        const double bound = 0x1p-23 * static_cast<double>(D + 4) * size + 4 * eps() * most;
        ASSERT_NEAR(got[length(m * N + n)], sum, bound) << M << " x " << D << " by " << N;
      }
      for (std::size_t n = length(8 * m); n < length(8 * m + 8); ++n) {
        ASSERT_NEAR(first[n], wanted_first[n],
                    2 * eps() * std::abs(wanted_first[n]) + 4 * eps() * most + 0x1p-20 * all);
      }
    }
  }
}

TEST_P(Ops, SumsAndProductsAreRoundedOnce) {
  constexpr std::int64_t T = 3, D = 1031;
  auto x = uniform(T * D, 3, 16), y = uniform(T * D, 3, 17), row = uniform(D, 3, 18);
  const Tensor a = activations({T, D}, x), c = activations({T, D}, y), r = activations({D}, row);
  const auto expect = [&](const Tensor& got, auto truth) {
    const auto values = values_of(b, got);
    ASSERT_EQ(values.size(), x.size());
    for (std::size_t at = 0; at < values.size(); ++at) {
      ASSERT_NEAR(values[at], truth(at), eps() * std::abs(truth(at))) << at;
    }
  };
  expect(b.add(a, c), [&](std::size_t at) { return static_cast<double>(x[at]) + y[at]; });
  expect(b.multiply(a, c), [&](std::size_t at) { return static_cast<double>(x[at]) * y[at]; });
  expect(b.multiply(a, r),
         [&](std::size_t at) { return static_cast<double>(x[at]) * row[at % D]; });
  EXPECT_EQ(values_of(b, a), x);  // held, so not written to
}

TEST_P(Ops, SigmoidAndSoftCapAgreeWithTheReference) {
  auto z = uniform(300, 60, 7);
  const Tensor in = activations({100, 3}, z);
  std::vector<float> sigmoid(z.size()), capped(z.size());
  kernels::sigmoid_reference(z.data(), sigmoid.data(), z.size());
  kernels::soft_cap_reference(z.data(), nullptr, 15.0F, capped.data(), 100, 3);
  const auto got_sigmoid = values_of(b, b.sigmoid(in)), got_cap = values_of(b, b.soft_cap(in, 15));
  for (std::size_t at = 0; at < z.size(); ++at) {
    // exp within 6 roundings and that of its argument; the sum and the quotient. Division, tanh and
    // product.
    const double error = (8 + std::abs(z[at])) * 0x1p-23 * sigmoid[at] + 0x1p-120;
    ASSERT_NEAR(got_sigmoid[at], sigmoid[at],
                error + (GetParam().is_float32() ? 0 : 2 * eps() * sigmoid[at]))
        << z[at];
    ASSERT_NEAR(got_cap[at], capped[at], 6 * eps() * 15) << z[at];
  }
  EXPECT_EQ(values_of(b, b.soft_cap(in, std::nullopt)), z);
}

TEST_P(Ops, ColumnsTokensAndShapesMoveNumbersUnchanged) {
  std::vector<float> x(2 * 3 * 4);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  const Tensor in = activations({6, 4}, x);  // 2 sequences of 3 tokens
  EXPECT_EQ(values_of(b, b.columns(in, 1, 3)),
            (std::vector<float>{1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22}));
  EXPECT_EQ(values_of(b, b.tokens(in, 2, 2, 3)),
            (std::vector<float>{8, 9, 10, 11, 20, 21, 22, 23}));
  EXPECT_EQ(values_of(b, b.tokens(in, 2, 0, 3)), x);
  EXPECT_EQ(b.tokens(in, 2, 1, 1).shape(), (TensorShape{0, 4}));
  const std::vector<Tensor> parts = {b.tokens(in, 2, 0, 1), b.tokens(in, 2, 1, 3)};
  EXPECT_EQ(values_of(b, b.join_tokens(parts, 2)), x);
  const Tensor flat = b.reshape(in, {24});
  EXPECT_EQ(flat.shape(), (TensorShape{24}));
  EXPECT_EQ(values_of(b, flat), x);
}

TEST_P(Ops, ArgmaxTakesTheLowestIdOfEquals) {
  const std::vector<float> z = {1, 5, 5, 0, /**/ -3, -2, -1, -1, /**/ 7, 7, 7, 7};
  const Tensor chosen = b.argmax(b.floats({3, 4}, z));
  const auto ids = b.read_ids(chosen);
  EXPECT_THAT(std::vector(ids.begin(), ids.end()), ::testing::ElementsAre(1, 2, 0));
}

TEST_P(Ops, RowSumsTellWhichRowsAreNumbers) {
  constexpr std::size_t V = 1000;
  auto z = uniform(5 * V, 1, 19);
  std::vector<double> truth(5, 0);
  for (std::size_t i = 0; i < z.size(); ++i) truth[i / V] += static_cast<double>(z[i]);
  z[V + 4] = std::numeric_limits<float>::quiet_NaN();
  z[3 * V + 999] = std::numeric_limits<float>::infinity();
  const Tensor of_rows = b.row_sums(b.floats({5, V}, z));
  const auto sums = b.read_floats(of_rows);
  ASSERT_EQ(sums.size(), 5U);
  for (const std::size_t t : {0, 2, 4}) EXPECT_NEAR(sums[t], truth[t], 0x1p-23 * V * V) << t;
  EXPECT_TRUE(std::isnan(sums[1]));
  EXPECT_FALSE(std::isfinite(sums[3]));
  EXPECT_EQ(b.row_sums(b.filled({0, 7}, 0)).shape(), (TensorShape{0}));
}

TEST_P(Ops, LikelihoodsAreThoseOfTheSoftmax) {
  constexpr std::int64_t T = 4, V = 1000;
  const auto z = uniform(T * V, 12, 20);
  const std::vector<std::int32_t> targets = {0, 999, 17, 500};
  const Tensor nll = b.negative_log_likelihood(b.floats({T, V}, z), b.ids({T}, targets));
  const auto got = b.read_floats(nll);
  ASSERT_EQ(got.size(), 4U);
  for (std::size_t t = 0; t < 4; ++t) {
    double sum = 0;
    for (std::size_t v = 0; v < V; ++v) sum += std::exp(static_cast<double>(z[t * V + v]));
    const double truth = std::log(sum) - z[t * V + length(targets[t])];
    // a sum of V terms, a logarithm and a difference of numbers below 24
    EXPECT_NEAR(got[t], truth, 0x1p-23 * (V + 8 * 24));
  }
}

TEST_P(Ops, GramAddsUpProductsOfColumns) {
  constexpr std::int64_t T = 37, K = 19;
  const auto x = uniform(T * K, 1, 21);
  const Tensor in = b.floats({T, K}, x);
  const auto got = values_of(b, b.add_gram(b.add_gram(b.filled({K, K}, 1), in), in));
  for (std::size_t i = 0; i < K; ++i) {
    for (std::size_t j = 0; j < K; ++j) {
      double truth = 1;
      for (std::size_t t = 0; t < T; ++t) truth += 2.0 * x[t * K + i] * x[t * K + j];
      ASSERT_NEAR(got[i * K + j], truth, 0x1p-23 * (2 * T + 1) * (2 * T + 1)) << i << " " << j;
    }
  }
}

TEST_P(Ops, ShapesThatDoNotFitAreNamed) {
  const Tensor x = b.to_activation(b.filled({2, 3}, 1));
  const auto error_of = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const Dense dense = b.prepare(Dense{b.filled({4, 5}, 1), {}});
  EXPECT_THAT(error_of([&] { b.linear(x, dense); }), ::testing::HasSubstr("[linear] wanted"));
  EXPECT_THAT(error_of([&] {
                b.add(x, b.to_activation(b.filled({2, 4}, 1)));
              }),
              ::testing::HasSubstr("[add] wanted y of shape [2, 3], got [2, 4]"));
  EXPECT_THAT(error_of([&] {
                b.rms_norm(x, b.prepare(Norm{b.filled({4}, 1), {}}), 1e-6F);
              }),
              ::testing::HasSubstr("[rms_norm] wanted weight of shape [3], got [4]"));
  EXPECT_THAT(error_of([&] { b.columns(x, 2, 4); }), ::testing::HasSubstr("[columns] wanted"));
  EXPECT_THAT(error_of([&] { b.tokens(x, 3, 0, 1); }), ::testing::HasSubstr("[tokens] wanted"));
  EXPECT_THAT(error_of([&] { b.reshape(x, {7}); }), ::testing::HasSubstr("[reshape] wanted"));
  EXPECT_THAT(error_of([&] {
                b.embed(b.filled({4, 2}, 1), x);
              }),
              ::testing::HasSubstr("[embed] wanted ids of type I32"));
}

}  // namespace
}  // namespace xlstm::testing
