// Scales and biases of groups of quantised weights as float32, for panels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::kernels {

inline float group_factor(const void* array, WeightType type, std::size_t at) {
  const auto* const bytes = static_cast<const std::byte*>(array);
  if (type == WeightType::kF32) {
    float value;
    std::memcpy(&value, bytes + at * 4, 4);
    return value;
  }
  std::uint16_t half;
  std::memcpy(&half, bytes + at * 2, 2);
  return type == WeightType::kBF16 ? float_from_bf16(half) : float_from_f16(half);
}

// 2^(code - 127) / 2; 255 stands for NaN.
inline float half_power(std::uint8_t code) {
  std::uint32_t bits = (static_cast<std::uint32_t>(code) - 1) << 23;
  if (code == 0) bits = 1U << 21;  // below the normal range
  if (code == 1) bits = 1U << 22;
  if (code == 255) bits = 0x7FC00000;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Scale and bias of group `at`: a weight is scale * code + bias, where mxfp4's codes are twice the
// values and 12.
inline void put_group_factors(const QuantizedMatrix& W, std::size_t at, float* scale, float* bias) {
  if (W.format.mode == QuantizationMode::kMxfp4) {
    *scale = half_power(static_cast<const std::uint8_t*>(W.scales)[at]);
    *bias = -12.0F * *scale;
    return;
  }
  *scale = group_factor(W.scales, W.scale_type, at);
  *bias = group_factor(W.biases, W.scale_type, at);
}

}  // namespace xlstm::kernels
