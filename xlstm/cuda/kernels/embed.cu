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

__global__ void transpose_f32(const float* x, float* y, int rows, int columns) {
  transpose(x, y, rows, columns);
}
}
