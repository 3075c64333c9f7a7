#include "xlstm/kernels/quantized_linear/quantized_linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/op_cases.h"
#include "tests/kernels/quantized_cases.h"

namespace xlstm::testing {
namespace {

using kernels::WeightType;

TEST(DequantizeRow, GivesWhatMlxGives) {
  const std::vector<QuantizedCase> cases = mlx_cases();
  EXPECT_EQ(cases.size(), 6U * 3U * 3U + 1U);
  for (const QuantizedCase& c : cases) {
    // MLX computes in the scales' type: code x scale is rounded to it, and so is the sum.
    const double u = c.scale_type == WeightType::kF32    ? 0x1p-24
                     : c.scale_type == WeightType::kBF16 ? 0x1p-8
                                                         : 0x1p-11;
    const auto group = static_cast<std::size_t>(c.format.group_size);
    std::vector<float> row(c.K);
    for (std::size_t n = 0; n < c.N; ++n) {
      const float* const wanted = c.values.data() + n * c.K;
      kernels::dequantize_row(c.matrix(), n, c.K, row.data());
      for (std::size_t k = 0; k < c.K; ++k) {
        double largest = 0;
        for (std::size_t at = 0; at < group; ++at) {
          largest =
              std::max(largest, std::abs(static_cast<double>(wanted[k / group * group + at])));
        }
        // |code x scale| is at most the group's largest less its smallest value.
        const bool mxfp4 = c.format.mode == QuantizationMode::kMxfp4;
        ASSERT_NEAR(row[k], wanted[k], mxfp4 ? 0.0 : u * (2.1 * largest + largest))
            << c.name << " at " << n << ", " << k;
      }
    }
  }
}

TEST(QuantizedLinearReference, IsTheFormulaOverTheDequantisedRows) {
  for (const QuantizedCase& c : mlx_cases()) {
    std::mt19937_64 random(5);
    const std::vector<float> x = uniform_floats(2 * c.K, 1.0F, random);
    const std::vector<float> bias = uniform_floats(c.N, 1.0F, random);
    std::vector<float> y(2 * c.N), row(c.K);
    kernels::quantized_linear_reference(x.data(), static_cast<std::ptrdiff_t>(c.K), c.matrix(),
                                        bias.data(), y.data(), static_cast<std::ptrdiff_t>(c.N), 2,
                                        c.N, c.K);
    for (std::size_t n = 0; n < c.N; ++n) {
      kernels::dequantize_row(c.matrix(), n, c.K, row.data());
      for (std::size_t m = 0; m < 2; ++m) {
        double sum = bias[n], magnitudes = std::abs(bias[n]);
        for (std::size_t k = 0; k < c.K; ++k) {
          sum += static_cast<double>(row[k]) * x[m * c.K + k];
          magnitudes += std::abs(static_cast<double>(row[k]) * x[m * c.K + k]);
        }
        // Each element of the rows is rounded once, and y once.
        EXPECT_NEAR(y[m * c.N + n], sum, 2.1 * kUnitRoundoff * magnitudes) << c.name;
      }
    }
  }
}

}  // namespace
}  // namespace xlstm::testing
