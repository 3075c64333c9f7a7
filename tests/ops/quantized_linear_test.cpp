// linear() and take_rows() with quantised weights against MLX's own.
#include <gtest/gtest.h>

#include <cmath>
#include <exception>

#include "mlx/mlx.h"
#include "tests/kernels/op_cases.h"
#include "tests/kernels/quantized_cases.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/evaluate.h"
#include "xlstm/ops/ops.h"

namespace xlstm::testing {
namespace {
namespace mx = mlx::core;

std::vector<float> values_of(const mx::array& a) {
  mx::array row_major = mx::contiguous(mx::astype(a, mx::float32));
  row_major.eval();
  return {row_major.data<float>(), row_major.data<float>() + row_major.size()};
}

int as_int(std::size_t value) {
  return static_cast<int>(value);
}

mx::array factors(const std::vector<std::byte>& bytes, kernels::WeightType type, mx::Shape shape) {
  if (type == kernels::WeightType::kF32)
    return mx::array(reinterpret_cast<const float*>(bytes.data()), shape, mx::float32);
  const mx::array bits(reinterpret_cast<const std::uint16_t*>(bytes.data()), shape, mx::uint16);
  return mx::view(bits, type == kernels::WeightType::kBF16 ? mx::bfloat16 : mx::float16);
}

ops::QuantizedArray array_of(const QuantizedCase& c) {
  const int N = as_int(c.N), G = as_int(c.K) / c.format.group_size;
  const mx::array words(c.words.data(), {N, as_int(c.words.size() / c.N)}, mx::uint32);
  if (c.format.mode == QuantizationMode::kMxfp4) {
    const mx::array scales(reinterpret_cast<const std::uint8_t*>(c.scales.data()), {N, G},
                           mx::uint8);
    return {words, scales, std::nullopt, c.format};
  }
  return {words, factors(c.scales, c.scale_type, {N, G}), factors(c.biases, c.scale_type, {N, G}),
          c.format};
}

TEST(QuantizedLinear, AgreesWithItsDefinition) {
  std::mt19937_64 random(3);
  for (const QuantizedCase& c : mlx_cases()) {
    const int K = as_int(c.K), N = as_int(c.N);
    const std::vector<float> x = uniform_floats(2 * c.K, 1.0F, random);
    const mx::array input(x.data(), {1, 2, K}, mx::float32);
    const mx::array bias = mx::array({0.5F, -0.25F, 2.0F});
    const ops::WeightArray W = array_of(c);
    const mx::array y = ops::linear(input, W, bias);
    EXPECT_EQ(y.shape(), (mx::Shape{1, 2, N})) << c.name;
    const std::vector<float> got = values_of(y);
    const std::vector<float> wanted = values_of(ops::linear_definition(input, W, bias));
    // MLX rounds x, products and sums to the scales' type (8 bits of bfloat16 at worst); x is
    // below 1 and the three rows' weights below 0.3, 3 and 1 on average.
    const double u = c.scale_type == kernels::WeightType::kF32    ? 0x1p-16
                     : c.scale_type == kernels::WeightType::kBF16 ? 0x1p-8
                                                                  : 0x1p-11;
    for (std::size_t at = 0; at < got.size(); ++at) {
      double magnitudes = 3.0;
      for (std::size_t k = 0; k < c.K; ++k) {
        magnitudes +=
            std::abs(static_cast<double>(x[at / c.N * c.K + k]) * c.values[at % c.N * c.K + k]);
      }
      EXPECT_NEAR(got[at], wanted[at], 4 * u * magnitudes) << c.name << " at " << at;
    }
  }
}

TEST(TakeRows, GivesTheRowsThatMlxDequantises) {
  for (const QuantizedCase& c : mlx_cases()) {
    const mx::array ids = mx::array({2, 0, 2, 1}, {2, 2});
    const mx::array rows = ops::take_rows(array_of(c), ids, mx::float32);
    EXPECT_EQ(rows.shape(), (mx::Shape{2, 2, as_int(c.K)}));
    const std::vector<float> got = values_of(rows);
    const std::size_t wanted[] = {2, 0, 2, 1};
    std::vector<float> row(c.K);
    for (std::size_t at = 0; at < 4; ++at) {
      kernels::dequantize_row(c.matrix(), wanted[at], c.K, row.data());
      EXPECT_EQ(
          std::vector<float>(got.begin() + as_int(at * c.K), got.begin() + as_int((at + 1) * c.K)),
          row)
          << c.name;
    }
  }
}

TEST(TakeRows, WorksOnPlainArraysAndCasts) {
  const mx::array W = mx::array({1.0F, 2.0F, 3.0F, 4.0F}, {2, 2});
  const mx::array rows = ops::take_rows(W, mx::array({1}), mx::bfloat16);
  EXPECT_EQ(rows.dtype(), mx::bfloat16);
  EXPECT_EQ(values_of(rows), (std::vector<float>{3, 4}));
}

TEST(TakeRows, RefusesAnIdBeyondTheMatrix) {
  const QuantizedCase c = mlx_cases().front();
  for (const int id : {3, -1}) {
    const mx::array rows = ops::take_rows(array_of(c), mx::array({0, id}), mx::float32);
    EXPECT_THROW(ops::evaluate({rows}), Error) << id;
  }
}

TEST(QuantizedLinear, RefusesArraysThatDoNotFit) {
  const QuantizedCase c = mlx_cases().front();
  const mx::array x = mx::zeros({1, as_int(c.K)});
  const auto refused = [&](const auto& change) {
    ops::QuantizedArray W = array_of(c);
    change(W);
    EXPECT_THROW(ops::linear(x, ops::WeightArray(W)), Error);
    EXPECT_THROW(ops::linear_definition(x, ops::WeightArray(W)), Error);
    EXPECT_THROW(ops::take_rows(W, mx::array({0}), mx::float32), Error);
  };
  refused([](ops::QuantizedArray& W) { W.biases.reset(); });
  refused([](ops::QuantizedArray& W) { W.format.bits = 7; });
  refused([](ops::QuantizedArray& W) { W.format.bits = W.format.bits == 4 ? 8 : 4; });
  refused([](ops::QuantizedArray& W) { W.words = mx::astype(W.words, mx::int32); });
  refused([](ops::QuantizedArray& W) { W.scales = mx::astype(W.scales, mx::int32); });
  refused([](ops::QuantizedArray& W) { W.biases = mx::astype(*W.biases, mx::float16); });
  refused([](ops::QuantizedArray& W) { W.format.mode = QuantizationMode::kMxfp4; });
  const mx::array narrow = mx::zeros({1, as_int(c.K) - 1});
  EXPECT_THROW(ops::linear(narrow, ops::WeightArray(array_of(c))), Error);
  EXPECT_THROW(ops::linear(x, ops::WeightArray(array_of(c)), mx::zeros({1})), Error);
}

}  // namespace
}  // namespace xlstm::testing
