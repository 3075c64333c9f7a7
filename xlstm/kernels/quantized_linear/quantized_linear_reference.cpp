#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::kernels {
namespace {

template <class T>
T element(const void* array, std::size_t at) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(array) + at * sizeof(T), sizeof(T));
  return value;
}

// Element `at` of the scales or biases of an affine matrix.
float affine_factor(const void* array, WeightType type, std::size_t at) {
  if (type == WeightType::kF32) return element<float>(array, at);
  const auto bits = element<std::uint16_t>(array, at);
  return type == WeightType::kBF16 ? float_from_bf16(bits) : float_from_f16(bits);
}

// 2^(code - 127); 255 stands for NaN (OCP Microscaling Formats 1.0, E8M0).
float power_of_two(std::uint8_t code) {
  if (code == 255) return std::numeric_limits<float>::quiet_NaN();
  return std::ldexp(1.0F, code - 127);
}

// The same document's E2M1: a sign, two bits of exponent, one of mantissa.
float e2m1(unsigned code) {
  constexpr float kMagnitudes[8] = {0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F};
  return (code & 8U) != 0 ? -kMagnitudes[code & 7U] : kMagnitudes[code & 7U];
}

// Code k of a row: `bits` bits of its little-endian stream, which may lie across two words.
unsigned code_at(const std::uint32_t* row, unsigned bits, std::size_t k) {
  const std::size_t at = k * bits;
  std::uint64_t window = element<std::uint32_t>(row, at / 32);
  if (at % 32 + bits > 32) {
    window |= static_cast<std::uint64_t>(element<std::uint32_t>(row, at / 32 + 1)) << 32;
  }
  return static_cast<unsigned>(window >> at % 32) & ((1U << bits) - 1U);
}

// scale, bias and code of W[n, k] = scale * code + bias, each exact.
struct Weight {
  float scale, code, bias;
};

Weight weight_at(const QuantizedMatrix& W, std::size_t n, std::size_t k, std::size_t K) {
  const auto words = static_cast<std::size_t>(quantized_words(W.format, static_cast<int>(K)));
  const auto group_size = static_cast<std::size_t>(W.format.group_size);
  const std::size_t group = n * (K / group_size) + k / group_size;
  const unsigned code = code_at(W.words + n * words, static_cast<unsigned>(W.format.bits), k);
  if (W.format.mode == QuantizationMode::kMxfp4) {
    return {power_of_two(element<std::uint8_t>(W.scales, group)), e2m1(code), 0.0F};
  }
  return {affine_factor(W.scales, W.scale_type, group), static_cast<float>(code),
          affine_factor(W.biases, W.scale_type, group)};
}

}  // namespace

void dequantize_row(const QuantizedMatrix& W, std::size_t n, std::size_t K, float* row) {
  for (std::size_t k = 0; k < K; ++k) {
    const Weight w = weight_at(W, n, k, K);
    row[k] = std::fma(w.scale, w.code, w.bias);
  }
}

void quantized_linear_reference(const float* x, std::ptrdiff_t x_stride, const QuantizedMatrix& W,
                                const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                                std::size_t N, std::size_t K) {
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t m = 0; m < M; ++m) {
      const float* const row = x + static_cast<std::ptrdiff_t>(m) * x_stride;
      double sum = bias != nullptr ? bias[n] : 0.0;
      for (std::size_t k = 0; k < K; ++k) {
        const Weight w = weight_at(W, n, k, K);
        sum += static_cast<double>(row[k]) * (static_cast<double>(w.scale) * w.code + w.bias);
      }
      y[static_cast<std::ptrdiff_t>(m) * y_stride + static_cast<std::ptrdiff_t>(n)] =
          static_cast<float>(sum);
    }
  }
}

}  // namespace xlstm::kernels
