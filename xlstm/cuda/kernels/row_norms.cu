// For up to 64 rows; more go to norms.cu, whose blocks read W2 once for 16 rows.
// y = x / sqrt(mean(x^2) + eps) * weight (+ bias) of some rows, and the small product of the normed
// rows that gates need, y2 = y W2^T (+ bias2), in float32. Grid: (rows, pairs of rows of W2), one
// pair at least; the first block of a row writes y. A thread has kChunks times eight neighbouring
// columns.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/column_order.cuh"
#include "xlstm/cuda/kernels/eights.cuh"

using xlstm::cuda::RowNormArgs;

namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarp;
constexpr int kTogether = 2;  // rows of W2

// Eight columns of a row of bfloat16, the unit-th, where the order for weights of `bits` has them.
__device__ void write_in_order(const float (&x)[8], int unit, int bits, uint32* row) {
  const uint4 packed = make_uint4(pack_bf16(x[0], x[1]), pack_bf16(x[2], x[3]),
                                  pack_bf16(x[4], x[5]), pack_bf16(x[6], x[7]));
  if (bits == 4) {
    write_ordered<4>(packed, unit, row);
  } else {
    write_ordered<8>(packed, unit, row);
  }
}

template <typename A, int kChunks>
__device__ void row_norm(const RowNormArgs& a) {
  __shared__ float scratch[kTogether][kWarps];
  const int n = blockIdx.y * kTogether;
  float w[kTogether][kChunks][8] = {}, weight[kChunks][8] = {};
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
    const int at = (j * kThreads + threadIdx.x) * 8;
    if (at >= a.K) continue;
    read_eight(a.weight + at, weight[j]);
#pragma unroll
    for (int r = 0; r < kTogether; ++r) {
      if (n + r < a.N2) read_eight(a.W2 + static_cast<int64>(n + r) * a.K + at, w[r][j]);
    }
  }
  wait_for_kernel_before();
  const A* const row = static_cast<const A*>(a.x) + static_cast<int64>(blockIdx.x) * a.K;
  float x[kChunks][8] = {}, squares = 0;
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
    const int at = (j * kThreads + threadIdx.x) * 8;
    if (at < a.K) read_eight(row + at, x[j]);
  }
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
#pragma unroll
    for (int i = 0; i < 8; ++i) squares += x[j][i] * x[j][i];
  }
  const float r = 1.0F / sqrtf(block_sum(squares, scratch[0]) / a.K + a.eps);
  A* const y = static_cast<A*>(a.y) + static_cast<int64>(blockIdx.x) * a.K;
  float sums[kTogether] = {};
#pragma unroll
  for (int j = 0; j < kChunks; ++j) {
    const int at = (j * kThreads + threadIdx.x) * 8;
    if (at >= a.K) continue;
    float bias[8] = {};
    if (a.bias != nullptr) read_eight(a.bias + at, bias);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      // As where the norm is an op of its own, whose result has the activations' type.
      x[j][i] = to_float(from_float<A>(x[j][i] * r * weight[j][i] + bias[i]));
#pragma unroll
      for (int k = 0; k < kTogether; ++k) sums[k] += w[k][j][i] * x[j][i];
    }
    if (blockIdx.y != 0) continue;
    if (a.ordered_bits == 0) {
      write_eight(x[j], y + at);
    } else {
      write_in_order(x[j], at / 8, a.ordered_bits, reinterpret_cast<uint32*>(y));
    }
  }
  if (a.N2 == 0) return;
  __syncthreads();  // nobody reads the sum of squares any more
#pragma unroll
  for (int k = 0; k < kTogether; ++k) {
    sums[k] = warp_sum(sums[k]);
    if (threadIdx.x % kWarp == 0) scratch[k][threadIdx.x / kWarp] = sums[k];
  }
  __syncthreads();
  if (threadIdx.x >= kTogether || n + threadIdx.x >= a.N2) return;
  float sum = a.bias2 != nullptr ? a.bias2[n + threadIdx.x] : 0.0F;
#pragma unroll
  for (int warp = 0; warp < kWarps; ++warp) sum += scratch[threadIdx.x][warp];
  a.y2[static_cast<int64>(blockIdx.x) * a.N2 + n + threadIdx.x] = sum;
}

}  // namespace

extern "C" {
#define XLSTM_ROW_NORM(A, kChunks, name)                                                      \
  __global__ void __launch_bounds__(kThreads) row_norm_##name##_##kChunks(RowNormArgs args) { \
    row_norm<A, kChunks>(args);                                                               \
  }
#define XLSTM_ROW_NORMS(A, name) \
  XLSTM_ROW_NORM(A, 1, name)     \
  XLSTM_ROW_NORM(A, 2, name)     \
  XLSTM_ROW_NORM(A, 4, name)
XLSTM_ROW_NORMS(float, f32)
XLSTM_ROW_NORMS(bf16, bf16)
}
