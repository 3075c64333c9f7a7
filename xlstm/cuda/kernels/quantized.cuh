// The elements of quantised matrices (base/quantization.h).
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::QuantizedArgs;

// An E2M1 float: a sign, two bits of exponent, one of mantissa.
__device__ inline float e2m1(uint32 q) {
  const uint32 magnitude = q & 7;
  const float value = magnitude < 2 ? 0.5F * magnitude
                                    : (1.0F + 0.5F * (magnitude & 1)) * (1 << (magnitude / 2 - 1));
  return (q & 8) != 0 ? -value : value;
}

__device__ inline float scale_at(const void* scales, int type, int64 at) {
  switch (type) {
    case 0:
      return static_cast<const float*>(scales)[at];
    case 1:
      return to_float(static_cast<const bf16*>(scales)[at]);
    case 2:
      return to_float(static_cast<const f16*>(scales)[at]);
    default:
      return exp2f(static_cast<const uint8*>(scales)[at] - 127.0F);
  }
}

// Element k of the stream of bits of a row.
__device__ inline uint32 packed_at(const uint32* row, int64 k, int bits) {
  const int64 first = k * bits;
  const int shift = static_cast<int>(first % 32);
  uint32 value = row[first / 32] >> shift;
  if (shift + bits > 32) value |= row[first / 32 + 1] << (32 - shift);
  return value & ((1U << bits) - 1);
}

__device__ inline float dequantized(const QuantizedArgs& W, int64 n, int64 k, int64 K) {
  const uint32 q = packed_at(W.words + n * (K * W.bits / 32), k, W.bits);
  const int64 group = (n * K + k) / W.group;
  const float scale = scale_at(W.scales, W.scale_type, group);
  if (W.biases == nullptr) return scale * e2m1(q);
  return scale * static_cast<float>(q) + scale_at(W.biases, W.scale_type, group);
}
