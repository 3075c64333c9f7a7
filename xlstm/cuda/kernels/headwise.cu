// Products for each head: y[t, g, o] = bias[g, o] + sum_i W[g, o, i] x[t, g mod H, i], summed in
// float32.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::HeadwiseArgs;

namespace {

constexpr int kThreads = 256, kTile = 64, kDepth = 16, kMostRows = 8;

template <typename A>
__device__ void write(const HeadwiseArgs& a, int64 t, int g, int o, float sum) {
  const int n = g * a.O + o;
  if (a.bias != nullptr) sum += a.bias[n];
  static_cast<A*>(a.y)[t * a.G * a.O + n] = from_float<A>(sum);
}

// A thread for each number of y, where I is short.
template <typename A, typename W>
__device__ void by_threads(const HeadwiseArgs& a) {
  const int64 width = static_cast<int64>(a.G) * a.O,
              step = static_cast<int64>(gridDim.x) * kThreads;
  for (int64 at = static_cast<int64>(blockIdx.x) * kThreads + threadIdx.x; at < a.T * width;
       at += step) {
    const int64 t = at / width;
    const int n = static_cast<int>(at % width), g = n / a.O;
    const W* const w = static_cast<const W*>(a.W) + static_cast<int64>(n) * a.I;
    const A* const x = static_cast<const A*>(a.x) + (t * a.H + g % a.H) * a.I;
    float sum = 0;
    for (int i = 0; i < a.I; ++i) sum += to_float(w[i]) * to_float(x[i]);
    write<A>(a, t, g, n % a.O, sum);
  }
}

// A warp for each row of W, for at most kMostRows tokens: W is read once.
template <typename A, typename W>
__device__ void by_warps(const HeadwiseArgs& a) {
  const int n = (blockIdx.x * kThreads + threadIdx.x) / kWarp, lane = threadIdx.x % kWarp;
  if (n >= a.G * a.O) return;
  const int g = n / a.O;
  const W* const w = static_cast<const W*>(a.W) + static_cast<int64>(n) * a.I;
  const A* const x = static_cast<const A*>(a.x) + static_cast<int64>(g % a.H) * a.I;
  float sum[kMostRows] = {};
  for (int i = lane; i < a.I; i += kWarp) {
    const float weight = to_float(w[i]);
#pragma unroll
    for (int t = 0; t < kMostRows; ++t) {
      if (t < a.T) sum[t] += weight * to_float(x[static_cast<int64>(t) * a.H * a.I + i]);
    }
  }
#pragma unroll
  for (int t = 0; t < kMostRows; ++t) {
    if (t >= a.T) break;
    const float all = warp_sum(sum[t]);
    if (lane == 0) write<A>(a, t, g, n % a.O, all);
  }
}

// kTile rows of kDepth numbers from column k on, `stride` apart, as [kDepth][kTile].
template <typename T>
__device__ void read_tile(const T* from, int64 stride, int row, int rows, int k, int columns,
                          float (&tile)[kDepth][kTile + 1]) {
  for (int at = threadIdx.x; at < kTile * kDepth; at += kThreads) {
    const int r = at / kDepth, c = at % kDepth;
    const bool inside = row + r < rows && k + c < columns;
    tile[c][r] = inside ? to_float(from[(row + r) * stride + k + c]) : 0.0F;
  }
}

// A tile of kTile tokens and outputs of a group. Grid: (tiles of T, tiles of O, G).
template <typename A, typename W>
__device__ void by_tiles(const HeadwiseArgs& a) {
  __shared__ float x[kDepth][kTile + 1], w[kDepth][kTile + 1];
  const int t0 = blockIdx.x * kTile, o0 = blockIdx.y * kTile, g = blockIdx.z;
  const int to = threadIdx.x % 16, tt = threadIdx.x / 16;
  const A* const head = static_cast<const A*>(a.x) + static_cast<int64>(g % a.H) * a.I;
  const W* const group = static_cast<const W*>(a.W) + static_cast<int64>(g) * a.O * a.I;
  float sum[4][4] = {};
  for (int k = 0; k < a.I; k += kDepth) {
    __syncthreads();
    read_tile(head, static_cast<int64>(a.H) * a.I, t0, a.T, k, a.I, x);
    read_tile(group, a.I, o0, a.O, k, a.I, w);
    __syncthreads();
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) sum[i][j] += x[d][tt + 16 * i] * w[d][to + 16 * j];
      }
    }
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int t = t0 + tt + 16 * i, o = o0 + to + 16 * j;
      if (t < a.T && o < a.O) write<A>(a, t, g, o, sum[i][j]);
    }
  }
}

}  // namespace

extern "C" {
#define XLSTM_HEADWISE(A, W, name)                                                         \
  __global__ void __launch_bounds__(kThreads) headwise_threads_##name(HeadwiseArgs args) { \
    by_threads<A, W>(args);                                                                \
  }                                                                                        \
  __global__ void __launch_bounds__(kThreads) headwise_warps_##name(HeadwiseArgs args) {   \
    by_warps<A, W>(args);                                                                  \
  }                                                                                        \
  __global__ void __launch_bounds__(kThreads) headwise_tiles_##name(HeadwiseArgs args) {   \
    by_tiles<A, W>(args);                                                                  \
  }
XLSTM_HEADWISE(float, float, f32_f32)
XLSTM_HEADWISE(float, bf16, f32_bf16)
XLSTM_HEADWISE(bf16, float, bf16_f32)
XLSTM_HEADWISE(bf16, bf16, bf16_bf16)
}
