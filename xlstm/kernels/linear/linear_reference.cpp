#include <cstring>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/linear/linear.h"

namespace xlstm::kernels {
namespace {

// Element `at` of an array of weights.
double weight(const void* W, WeightType type, std::size_t at) {
  const auto* const bytes = static_cast<const std::byte*>(W) + at * weight_bytes(type);
  if (type == WeightType::kF32) {
    float value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  std::uint16_t bits;
  std::memcpy(&bits, bytes, sizeof bits);
  return type == WeightType::kBF16 ? float_from_bf16(bits) : float_from_f16(bits);
}

}  // namespace

void linear_reference(const float* x, std::ptrdiff_t x_stride, const void* W, WeightType type,
                      const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                      std::size_t N, std::size_t K) {
  for (std::size_t m = 0; m < M; ++m) {
    const float* const row = x + static_cast<std::ptrdiff_t>(m) * x_stride;
    float* const out = y + static_cast<std::ptrdiff_t>(m) * y_stride;
    for (std::size_t n = 0; n < N; ++n) {
      double sum = bias != nullptr ? bias[n] : 0.0;
      for (std::size_t k = 0; k < K; ++k) sum += row[k] * weight(W, type, n * K + k);
      out[n] = static_cast<float>(sum);
    }
  }
}

}  // namespace xlstm::kernels
