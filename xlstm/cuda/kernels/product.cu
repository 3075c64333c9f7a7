// y = x W^T (+ bias) (+ residual) of any number of rows and any sizes, summed in float32: what runs
// where no library of products is found, and what faster ways are compared with.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::RowProductArgs;

namespace {

constexpr int kTile = 64, kDepth = 16, kThreads = 256;

// A tile of `kTile` rows and kDepth columns from (row, k) on, as [kDepth][kTile].
template <typename T>
__device__ void read_tile(const T* from, int row, int rows, int k, int K,
                          float (&tile)[kDepth][kTile + 1]) {
  for (int at = threadIdx.x; at < kTile * kDepth; at += kThreads) {
    const int r = at / kDepth, c = at % kDepth;
    const bool inside = row + r < rows && k + c < K;
    tile[c][r] = inside ? to_float(from[static_cast<int64>(row + r) * K + k + c]) : 0.0F;
  }
}

// Grid: (tiles of N, tiles of M).
template <typename A, typename W>
__device__ void product(const RowProductArgs& a) {
  __shared__ float x[kDepth][kTile + 1], w[kDepth][kTile + 1];
  const int n0 = blockIdx.x * kTile, m0 = blockIdx.y * kTile;
  const int tn = threadIdx.x % 16, tm = threadIdx.x / 16;
  float sum[4][4] = {};
  for (int k = 0; k < a.K; k += kDepth) {
    __syncthreads();
    read_tile(static_cast<const A*>(a.x), m0, a.M, k, a.K, x);
    read_tile(static_cast<const W*>(a.W), n0, a.N, k, a.K, w);
    __syncthreads();
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) sum[i][j] += x[d][tm + 16 * i] * w[d][tn + 16 * j];
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int m = m0 + tm + 16 * i, n = n0 + tn + 16 * j;
      if (m >= a.M || n >= a.N) continue;
      const int64 at = static_cast<int64>(m) * a.N + n;
      float value = sum[i][j] + (a.bias != nullptr ? a.bias[n] : 0.0F);
      if (a.residual != nullptr) value += to_float(static_cast<const A*>(a.residual)[at]);
      static_cast<A*>(a.y)[at] = from_float<A>(value);
    }
  }
}

// What a product of a library leaves out: y += bias, y += residual.
template <typename A>
__device__ void finish(const RowProductArgs& a) {
  const int64 count = static_cast<int64>(a.M) * a.N;
  const int64 step = static_cast<int64>(gridDim.x) * blockDim.x;
  A* const y = static_cast<A*>(a.y);
  for (int64 at = static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; at < count;
       at += step) {
    float value = to_float(y[at]) + (a.bias != nullptr ? a.bias[at % a.N] : 0.0F);
    if (a.residual != nullptr) value += to_float(static_cast<const A*>(a.residual)[at]);
    y[at] = from_float<A>(value);
  }
}

}  // namespace

extern "C" {
#define XLSTM_PRODUCT(A, W, name)                                                   \
  __global__ void __launch_bounds__(kThreads) product_##name(RowProductArgs args) { \
    product<A, W>(args);                                                            \
  }
XLSTM_PRODUCT(float, float, f32_f32)
XLSTM_PRODUCT(float, bf16, f32_bf16)
XLSTM_PRODUCT(float, f16, f32_f16)
XLSTM_PRODUCT(bf16, float, bf16_f32)
XLSTM_PRODUCT(bf16, bf16, bf16_bf16)
XLSTM_PRODUCT(bf16, f16, bf16_f16)
__global__ void finish_f32(RowProductArgs args) {
  finish<float>(args);
}
__global__ void finish_bf16(RowProductArgs args) {
  finish<bf16>(args);
}
}
