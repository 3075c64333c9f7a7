// y = x W^T of one to four rows of x: the products of a decoded token. They are bound by reading W,
// so all else comes along: the norm of x, bias, residual, SwiGLU, and the small product of the
// gates.
//
// A warp has a row of W at a time (SwiGLU: the rows of gate and up), read 16 bytes a lane; x lies
// in shared memory as float32. Each warp's first weights are fetched before it waits for the kernel
// before, so that memory is busy while x is made and normed.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::RowProductArgs;

namespace {

constexpr int kThreads = 256, kWarps = kThreads / kWarp;
constexpr int kBatch = 8;  // loads of 16 bytes that a lane has under way

template <typename W>
constexpr int kPerLoad = 16 / sizeof(W);

// Where x[k] lies: groups of four, for weights of 16 bits first those of the lower halves of loads,
// then those of the upper ones, so that neighbouring lanes read neighbouring 16 bytes.
template <typename W>
__device__ int place(int k, int K, int vectors) {
  if (sizeof(W) == 4 || vectors == 0) return k;
  const int load = k / 8, within = k % 8;
  return (within < 4 ? 0 : K / 2) + load * 4 + within % 4;
}

template <typename A, typename W>
__device__ void read_rows(const RowProductArgs& a, float* x, float* scratch) {
  const A* const from = static_cast<const A*>(a.x);
#pragma unroll 1
  for (int m = 0; m < a.M; ++m) {
    float squares = 0;
#pragma unroll 8
    for (int k = threadIdx.x; k < a.K; k += kThreads) {
      const float value = to_float(from[static_cast<int64>(m) * a.K + k]);
      squares += value * value;
      x[m * a.K + place<W>(k, a.K, a.vectors)] = value;
    }
    if (a.norm_weight == nullptr) continue;
    const float r = 1.0F / sqrtf(block_sum(squares, scratch) / a.K + a.eps);
#pragma unroll 8
    for (int k = threadIdx.x; k < a.K; k += kThreads) {
      float& value = x[m * a.K + place<W>(k, a.K, a.vectors)];
      float normed = value * r * a.norm_weight[k];
      if (a.norm_bias != nullptr) normed += a.norm_bias[k];
      // As where the norm is an op of its own, whose result has the activations' type.
      value = to_float(from_float<A>(normed));
    }
  }
}

// x of a.M rows, and zeros in place of the others of M.
template <typename W, int M>
__device__ void read_x(const RowProductArgs& a, float* x, float* scratch) {
  if (a.is_bf16 != 0) {
    read_rows<bf16, W>(a, x, scratch);
  } else {
    read_rows<float, W>(a, x, scratch);
  }
  for (int at = a.M * a.K + threadIdx.x; at < M * a.K; at += kThreads) x[at] = 0;
  __syncthreads();
}

__device__ void add_load(float& sum, const uint4& w, const float4& low, const float4&, float) {
  sum += __uint_as_float(w.x) * low.x + __uint_as_float(w.y) * low.y +
         __uint_as_float(w.z) * low.z + __uint_as_float(w.w) * low.w;
}
__device__ void add_load(float& sum, const uint4& w, const float4& low, const float4& high, bf16) {
  sum += bf16_low(w.x) * low.x + bf16_high(w.x) * low.y + bf16_low(w.y) * low.z +
         bf16_high(w.y) * low.w + bf16_low(w.z) * high.x + bf16_high(w.z) * high.y +
         bf16_low(w.w) * high.z + bf16_high(w.w) * high.w;
}
__device__ void add_load(float& sum, const uint4& w, const float4& low, const float4& high, f16) {
  sum += f16_low(w.x) * low.x + f16_high(w.x) * low.y + f16_low(w.y) * low.z +
         f16_high(w.y) * low.w + f16_low(w.z) * high.x + f16_high(w.z) * high.y +
         f16_low(w.w) * high.z + f16_high(w.w) * high.w;
}

// Row n of the result, of M rows of x; lane m writes that of row m.
template <int M>
__device__ void write_y(const RowProductArgs& a, int n, int rows, const float (&first)[M],
                        const float (&second)[M]) {
  const int lane = threadIdx.x % kWarp;
#pragma unroll
  for (int m = 0; m < M; ++m) {
    if (lane != m || m >= a.M) continue;
    float value = first[m] + (a.bias != nullptr ? a.bias[n] : 0.0F);
    if (a.swiglu != 0) {
      const float up = second[m] + (a.bias != nullptr ? a.bias[rows + n] : 0.0F);
      value = value * sigmoid_of(value) * up;
    }
    const int64 at = static_cast<int64>(m) * rows + n;
    if (a.is_bf16 != 0) {
      if (a.residual != nullptr) value += to_float(static_cast<const bf16*>(a.residual)[at]);
      static_cast<bf16*>(a.y)[at] = from_float<bf16>(value);
    } else {
      if (a.residual != nullptr) value += static_cast<const float*>(a.residual)[at];
      static_cast<float*>(a.y)[at] = value;
    }
  }
}

// The rows of W2, which are few, in float32.
template <typename W, int M>
__device__ void second_product(const RowProductArgs& a, const float* x, int warp, int warps) {
  const int lane = threadIdx.x % kWarp;
  for (int n = warp; n < a.N2; n += warps) {
    float sum[M] = {};
    for (int k = lane; k < a.K; k += kWarp) {
      const float w = a.W2[static_cast<int64>(n) * a.K + k];
#pragma unroll
      for (int m = 0; m < M; ++m) {
        if (m < a.M) sum[m] += w * x[m * a.K + place<W>(k, a.K, a.vectors)];
      }
    }
#pragma unroll
    for (int m = 0; m < M; ++m) {
      sum[m] = warp_sum(sum[m]);
      if (lane != m || m >= a.M) continue;
      a.y2[m * a.N2 + n] = sum[m] + (a.bias2 != nullptr ? a.bias2[n] : 0.0F);
    }
  }
}

template <typename W, int M>
__device__ void vector_rows(const RowProductArgs& a) {
  extern __shared__ float4 shared[];
  __shared__ float scratch[kWarp];
  float* const x = reinterpret_cast<float*>(shared);
  const int lane = threadIdx.x % kWarp;
  const int warp = blockIdx.x * kWarps + threadIdx.x / kWarp, warps = gridDim.x * kWarps;
  const int parts = a.swiglu != 0 ? 2 : 1, rows = a.N / parts;
  const int loads = a.K / kPerLoad<W>;  // of a row

  // What is read next: `kBatch` loads a lane from load `begin` of row n, part `part`.
  int n = warp, part = 0, begin = 0;
  uint4 w[kBatch];
  const auto fetch = [&] {
    if (n >= rows) return;
    const uint4* const row =
        static_cast<const uint4*>(a.W) + (static_cast<int64>(part) * rows + n) * loads;
#pragma unroll
    for (int u = 0; u < kBatch; ++u) {
      const int load = begin + u * kWarp + lane;
      w[u] = load < loads ? load_once(row + load) : make_uint4(0, 0, 0, 0);
    }
  };
  fetch();
  wait_for_kernel_before();
  read_x<W, M>(a, x, scratch);

  float gate[M] = {}, sum[M] = {};
  while (n < rows) {
#pragma unroll
    for (int u = 0; u < kBatch; ++u) {
      const int load = min(begin + u * kWarp + lane, loads - 1);
#pragma unroll
      for (int m = 0; m < M; ++m) {
        const float4* const row = shared + m * (a.K / 4);
        const float4 low = row[load];
        const float4 high = sizeof(W) == 2 ? row[loads + load] : low;
        add_load(sum[m], w[u], low, high, W());
      }
    }
    const int done = n;
    begin += kBatch * kWarp;
    const bool row_done = begin >= loads, last_part = part == parts - 1;
    if (row_done) {
      begin = 0;
      part = last_part ? 0 : 1;
      if (last_part) n += warps;
    }
    fetch();
    if (!row_done) continue;
#pragma unroll
    for (int m = 0; m < M; ++m) sum[m] = warp_sum(sum[m]);
    if (last_part) {
      if (parts == 1) {
        write_y<M>(a, done, rows, sum, sum);
      } else {
        write_y<M>(a, done, rows, gate, sum);
      }
    }
#pragma unroll
    for (int m = 0; m < M; ++m) {
      gate[m] = sum[m];
      sum[m] = 0;
    }
  }
  // From the other end: those warps that have had a row less.
  second_product<W, M>(a, x, warps - 1 - warp, warps);
}

template <typename W>
__device__ float weight_at(const RowProductArgs& a, int64 row, int k) {
  return to_float(static_cast<const W*>(a.W)[row * a.K + k]);
}

// Rows that do not begin at 16 bytes, for any number of rows of x.
template <typename W>
__device__ void scalar_rows(const RowProductArgs& a) {
  constexpr int M = 4;
  extern __shared__ float4 shared[];
  __shared__ float scratch[kWarp];
  float* const x = reinterpret_cast<float*>(shared);
  const int lane = threadIdx.x % kWarp;
  const int warp = blockIdx.x * kWarps + threadIdx.x / kWarp, warps = gridDim.x * kWarps;
  const int parts = a.swiglu != 0 ? 2 : 1, rows = a.N / parts;
  wait_for_kernel_before();
  read_x<W, 0>(a, x, scratch);
  for (int n = warp; n < rows; n += warps) {
    float sum[2][M] = {};
    for (int part = 0; part < parts; ++part) {
      for (int k = lane; k < a.K; k += kWarp) {
        const float w = weight_at<W>(a, static_cast<int64>(part) * rows + n, k);
#pragma unroll
        for (int m = 0; m < M; ++m) {
          if (m < a.M) sum[part][m] += w * x[m * a.K + k];
        }
      }
#pragma unroll
      for (int m = 0; m < M; ++m) sum[part][m] = warp_sum(sum[part][m]);
    }
    write_y<M>(a, n, rows, sum[0], sum[1]);
  }
  second_product<W, M>(a, x, warps - 1 - warp, warps);
}

}  // namespace

extern "C" {
#define XLSTM_ROW_PRODUCT(W, M, name)                         \
  __global__ void __launch_bounds__(kThreads, M == 4 ? 2 : 4) \
      row_product_##name##_##M(RowProductArgs args) {         \
    vector_rows<W, M>(args);                                  \
  }
#define XLSTM_ROW_PRODUCTS(W, name)                                                            \
  XLSTM_ROW_PRODUCT(W, 1, name)                                                                \
  XLSTM_ROW_PRODUCT(W, 2, name)                                                                \
  XLSTM_ROW_PRODUCT(W, 4, name)                                                                \
  __global__ void __launch_bounds__(kThreads) row_product_scalar_##name(RowProductArgs args) { \
    scalar_rows<W>(args);                                                                      \
  }
XLSTM_ROW_PRODUCTS(float, f32)
XLSTM_ROW_PRODUCTS(bf16, bf16)
XLSTM_ROW_PRODUCTS(f16, f16)
}
