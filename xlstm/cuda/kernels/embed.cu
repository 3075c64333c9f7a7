// Rows of a matrix, plain or quantised, and a quantised matrix as floats.
#include "xlstm/cuda/kernels/quantized.cuh"

namespace {

// Row ids[token] of W [V, D] -> y [T, D]. A block for each token; an id out of range reads row 0,
// which whoever made it has checked.
template <typename A, typename W>
__device__ void embed(const W* weight, const int* ids, A* y, int V, int D) {
  const int id = ids[blockIdx.x];
  const W* row = weight + static_cast<int64>(id < 0 || id >= V ? 0 : id) * D;
  for (int d = threadIdx.x; d < D; d += blockDim.x) {
    y[static_cast<int64>(blockIdx.x) * D + d] = from_float<A>(to_float(row[d]));
  }
}

template <typename A>
__device__ void embed_quantized(const QuantizedArgs& W, const int* ids, A* y, int V, int D) {
  const int id = ids[blockIdx.x];
  const int64 row = id < 0 || id >= V ? 0 : id;
  for (int d = threadIdx.x; d < D; d += blockDim.x) {
    y[static_cast<int64>(blockIdx.x) * D + d] = from_float<A>(dequantized(W, row, d, D));
  }
}

template <typename A>
__device__ void dequantize(const QuantizedArgs& W, A* y, int64 N, int64 K) {
  const int64 step = static_cast<int64>(gridDim.x) * blockDim.x;
  for (int64 at = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; at < N * K;
       at += step) {
    y[at] = from_float<A>(dequantized(W, at / K, at % K, K));
  }
}

// Eight elements of a row, which have a scale together, from element 8 `unit` on.
template <int kBits>
__device__ void unpack(const uint32* row, int unit, int bits, uint32 (&q)[8]) {
  if constexpr (kBits == 4 || kBits == 8) {
    const uint32* const words = row + unit * (kBits / 4);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      q[i] = words[i * kBits / 32] >> i * kBits % 32 & ((1U << kBits) - 1);
    }
  } else {
#pragma unroll
    for (int i = 0; i < 8; ++i) q[i] = packed_at(row, unit * 8 + i, bits);
  }
}

// As dequantize, K = 8 units; kBits: 4, 8, or 0 for any.
template <int kBits>
__device__ void dequantize_units(const QuantizedArgs& W, uint4* y, uint32 units, int64 count) {
  const int64 at = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (at >= count) return;
  const int64 n = at / units;
  const int unit = static_cast<int>(at - n * units), bits = kBits == 0 ? W.bits : kBits;
  uint32 q[8];
  unpack<kBits>(W.words + n * (units * bits / 4), unit, bits, q);
  const int64 group = n * (8 * units / W.group) + 8 * unit / W.group;
  const float scale = scale_at(W.scales, W.scale_type, group);
  float x[8];
  if (W.biases == nullptr) {
#pragma unroll
    for (int i = 0; i < 8; ++i) x[i] = scale * e2m1(q[i]);
  } else {
    const float bias = scale_at(W.biases, W.scale_type, group);
#pragma unroll
    for (int i = 0; i < 8; ++i) x[i] = scale * static_cast<float>(q[i]) + bias;
  }
  y[at] = make_uint4(pack_bf16(x[0], x[1]), pack_bf16(x[2], x[3]), pack_bf16(x[4], x[5]),
                     pack_bf16(x[6], x[7]));
}

// [rows, columns] -> [columns, rows]
__device__ void transpose(const float* x, float* y, int rows, int columns) {
  const int64 count = static_cast<int64>(rows) * columns;
  const int64 step = static_cast<int64>(gridDim.x) * blockDim.x;
  for (int64 at = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; at < count;
       at += step) {
    y[at] = x[at % rows * columns + at / rows];
  }
}

}  // namespace

extern "C" {
#define XLSTM_EMBED(A, name)                                                                    \
  __global__ void embed_f32_##name(const float* W, const int* ids, A* y, int V, int D) {        \
    embed(W, ids, y, V, D);                                                                     \
  }                                                                                             \
  __global__ void embed_bf16_##name(const bf16* W, const int* ids, A* y, int V, int D) {        \
    embed(W, ids, y, V, D);                                                                     \
  }                                                                                             \
  __global__ void embed_f16_##name(const f16* W, const int* ids, A* y, int V, int D) {          \
    embed(W, ids, y, V, D);                                                                     \
  }                                                                                             \
  __global__ void embed_quantized_##name(QuantizedArgs W, const int* ids, A* y, int V, int D) { \
    embed_quantized(W, ids, y, V, D);                                                           \
  }                                                                                             \
  __global__ void dequantize_##name(QuantizedArgs W, A* y, int64 N, int64 K) {                  \
    dequantize(W, y, N, K);                                                                     \
  }
XLSTM_EMBED(float, f32)
XLSTM_EMBED(bf16, bf16)

#define XLSTM_DEQUANTIZE(bits)                                                                    \
  __global__ void dequantize_units_##bits(QuantizedArgs W, uint4* y, uint32 units, int64 count) { \
    dequantize_units<bits>(W, y, units, count);                                                   \
  }
XLSTM_DEQUANTIZE(0)
XLSTM_DEQUANTIZE(4)
XLSTM_DEQUANTIZE(8)

__global__ void transpose_f32(const float* x, float* y, int rows, int columns) {
  transpose(x, y, rows, columns);
}
}
