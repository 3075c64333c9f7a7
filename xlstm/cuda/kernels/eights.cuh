// Eight neighbouring numbers at once; addresses are multiples of 16 bytes.
#pragma once

#include "xlstm/cuda/kernels/common.cuh"

__device__ inline void read_eight(const float* from, float* x) {
  const float4 low = reinterpret_cast<const float4*>(from)[0];
  const float4 high = reinterpret_cast<const float4*>(from)[1];
  x[0] = low.x, x[1] = low.y, x[2] = low.z, x[3] = low.w;
  x[4] = high.x, x[5] = high.y, x[6] = high.z, x[7] = high.w;
}
__device__ inline void read_eight(const bf16* from, float* x) {
  const uint4 w = *reinterpret_cast<const uint4*>(from);
  x[0] = bf16_low(w.x), x[1] = bf16_high(w.x), x[2] = bf16_low(w.y), x[3] = bf16_high(w.y);
  x[4] = bf16_low(w.z), x[5] = bf16_high(w.z), x[6] = bf16_low(w.w), x[7] = bf16_high(w.w);
}
__device__ inline void write_eight(const float* x, float* to) {
  reinterpret_cast<float4*>(to)[0] = make_float4(x[0], x[1], x[2], x[3]);
  reinterpret_cast<float4*>(to)[1] = make_float4(x[4], x[5], x[6], x[7]);
}
__device__ inline void write_eight(const float* x, bf16* to) {
  *reinterpret_cast<uint4*>(to) = make_uint4(pack_bf16(x[0], x[1]), pack_bf16(x[2], x[3]),
                                             pack_bf16(x[4], x[5]), pack_bf16(x[6], x[7]));
}
