// Norms of rows and of heads, statistics in float32. A block for each row or head. Rows: those of
// prompts, more than 64, and those of shapes that row_norms.cu does not take.
#include "xlstm/cuda/kernels/tiles.cuh"

namespace {

// y = x / sqrt(mean(x^2) + eps) * weight (+ bias). x, y: [rows, D].
template <typename A>
__device__ void rms_norm(const A* x, const float* weight, const float* bias, A* y, int D,
                         float eps) {
  __shared__ float scratch[kWarp];
  x += static_cast<int64>(blockIdx.x) * D;
  y += static_cast<int64>(blockIdx.x) * D;
  float squares = 0;
  for (int d = threadIdx.x; d < D; d += blockDim.x) {
    const float value = to_float(x[d]);
    squares += value * value;
  }
  const float r = 1.0F / sqrtf(block_sum(squares, scratch) / D + eps);
  for (int d = threadIdx.x; d < D; d += blockDim.x) {
    const float value = to_float(x[d]) * r * weight[d];
    y[d] = from_float<A>(bias != nullptr ? value + bias[d] : value);
  }
}

__device__ float squares_of(uint32 pair) {
  return bf16_low(pair) * bf16_low(pair) + bf16_high(pair) * bf16_high(pair);
}
__device__ float squares_of(const uint4& unit) {
  return squares_of(unit.x) + squares_of(unit.y) + squares_of(unit.z) + squares_of(unit.w);
}

// Eight numbers of a row, from number 8 `unit` on.
__device__ uint4 normed(const uint4& x, float r, const float* weight, const float* bias, int unit) {
  const float4 low = __ldg(reinterpret_cast<const float4*>(weight + 8 * unit));
  const float4 high = __ldg(reinterpret_cast<const float4*>(weight + 8 * unit + 4));
  float4 a = make_float4(0, 0, 0, 0), b = a;
  if (bias != nullptr) {
    a = __ldg(reinterpret_cast<const float4*>(bias + 8 * unit));
    b = __ldg(reinterpret_cast<const float4*>(bias + 8 * unit + 4));
  }
  const auto pair = [r](uint32 in, float w0, float w1, float b0, float b1) {
    return pack_bf16(bf16_low(in) * r * w0 + b0, bf16_high(in) * r * w1 + b1);
  };
  return make_uint4(pair(x.x, low.x, low.y, a.x, a.y), pair(x.y, low.z, low.w, a.z, a.w),
                    pair(x.z, high.x, high.y, b.x, b.y), pair(x.w, high.z, high.w, b.z, b.w));
}

// rms_norm of rows of whole units of eight numbers, up to kMostUnits a thread.
constexpr int kThreads = 128, kMostUnits = 8;

__device__ void rms_norm_units(const uint4* x, const float* weight, const float* bias, uint4* y,
                               int units, float eps) {
  __shared__ float scratch[kWarp];
  x += static_cast<int64>(blockIdx.x) * units;
  y += static_cast<int64>(blockIdx.x) * units;
  uint4 own[kMostUnits];
  float squares = 0;
#pragma unroll
  for (int i = 0; i < kMostUnits; ++i) {
    const int unit = i * kThreads + threadIdx.x;
    if (unit >= units) continue;
    own[i] = x[unit];
    squares += squares_of(own[i]);
  }
  const float r = 1.0F / sqrtf(block_sum(squares, scratch) / (8 * units) + eps);
#pragma unroll
  for (int i = 0; i < kMostUnits; ++i) {
    const int unit = i * kThreads + threadIdx.x;
    if (unit < units) y[unit] = normed(own[i], r, weight, bias, unit);
  }
}

// rms_norm of 16 rows a block, and their product with W2 [8 kTiles, D] float32 in float32: tensor
// cores multiply by its first, second and third eight bits, which is all that it has.
constexpr int kGateThreads = 512, kAhead = 8;

template <int kTiles>
__device__ void norm_gates(const uint4* x, const float* weight, const float* bias, uint4* y,
                           const float* W2, const float* bias2, float* y2, int M, int D,
                           float eps) {
  constexpr int kRows = 16, kWarps = kGateThreads / kWarp, kN = 8 * kTiles;
  extern __shared__ uint4 tile[];  // [16][D], and then sums of the warps
  auto& parts = *reinterpret_cast<float(*)[kWarps][kRows][kN]>(tile);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp, units = D / 8;
  for (int row = warp; row < kRows; row += kWarps) {
    const int64 m = static_cast<int64>(blockIdx.x) * kRows + row;
    uint4* const at = tile + row * units;
    float squares = 0;
    for (int first = lane; first < units; first += kAhead * kWarp) {
      uint4 in[kAhead];
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        const int unit = first + i * kWarp;
        in[i] = m < M && unit < units ? load_once(x + m * units + unit) : make_uint4(0, 0, 0, 0);
      }
#pragma unroll
      for (int i = 0; i < kAhead; ++i) {
        const int unit = first + i * kWarp;
        if (unit < units) at[unit ^ (row & 7)] = in[i];
        squares += squares_of(in[i]);
      }
    }
    const float r = 1.0F / sqrtf(warp_sum(squares) / D + eps);
#pragma unroll 4
    for (int unit = lane; unit < units; unit += kWarp) {
      uint4& own = at[unit ^ (row & 7)];
      own = normed(own, r, weight, bias, unit);
      if (m < M) y[m * units + unit] = own;
    }
  }
  __syncthreads();
  float sum[kTiles][4] = {};
  const uint32 left = shared_address(tile);
#pragma unroll 4
  for (int k = warp * 16; k < D; k += kWarps * 16) {
    uint32 a[4];
    load_matrices(a, left + unit_offset(lane % 16, k / 8 + lane / 16, units));
#pragma unroll
    for (int t = 0; t < kTiles; ++t) {
      const float* const from = W2 + static_cast<int64>(t * 8 + lane / 4) * D + k + lane % 4 * 2;
      float2 low = __ldg(reinterpret_cast<const float2*>(from));
      float2 high = __ldg(reinterpret_cast<const float2*>(from + 8));
#pragma unroll
      for (int bits = 0; bits < 3; ++bits) {
        const uint32 b0 = pack_bf16(low.x, low.y), b1 = pack_bf16(high.x, high.y);
        multiply_add(sum[t], a, b0, b1);
        low.x -= bf16_low(b0), low.y -= bf16_high(b0);
        high.x -= bf16_low(b1), high.y -= bf16_high(b1);
      }
    }
  }
  __syncthreads();
#pragma unroll
  for (int t = 0; t < kTiles; ++t) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      parts[warp][lane / 4 + i / 2 * 8][t * 8 + lane % 4 * 2 + i % 2] = sum[t][i];
    }
  }
  __syncthreads();
  for (int at = threadIdx.x; at < kRows * kN; at += kGateThreads) {
    const int64 m = static_cast<int64>(blockIdx.x) * kRows + at / kN;
    if (m >= M) continue;
    float all = bias2 != nullptr ? bias2[at % kN] : 0.0F;
#pragma unroll
    for (int each = 0; each < kWarps; ++each) all += parts[each][at / kN][at % kN];
    y2[m * kN + at % kN] = all;
  }
}

// y = sigmoid(out_gate) * ((h - mean) / sqrt(var + eps) * weight (+ bias)) of each head's DHV
// values; without the gate where out_gate is none. h, y: [T, NH, DHV]; out_gate: `stride` elements
// from token to token.
template <typename A>
__device__ void head_norm(const float* h, const float* weight, const float* bias, const A* out_gate,
                          int stride, A* y, int NH, int DHV, float eps) {
  __shared__ float scratch[kWarp];
  const int64 token = blockIdx.x / NH;
  const int head = blockIdx.x % NH, at = head * DHV;
  h += (token * NH + head) * DHV;
  y += (token * NH + head) * DHV;
  float sum = 0;
  for (int d = threadIdx.x; d < DHV; d += blockDim.x) sum += h[d];
  const float mean = block_sum(sum, scratch) / DHV;
  float squares = 0;
  for (int d = threadIdx.x; d < DHV; d += blockDim.x) squares += (h[d] - mean) * (h[d] - mean);
  const float r = 1.0F / sqrtf(block_sum(squares, scratch) / DHV + eps);
  for (int d = threadIdx.x; d < DHV; d += blockDim.x) {
    float value = (h[d] - mean) * r * weight[at + d];
    if (bias != nullptr) value += bias[at + d];
    if (out_gate != nullptr) value *= sigmoid_of(to_float(out_gate[token * stride + at + d]));
    y[d] = from_float<A>(value);
  }
}

}  // namespace

extern "C" {
#define XLSTM_NORMS(A, name)                                                                       \
  __global__ void rms_norm_##name(const A* x, const float* weight, const float* bias, A* y, int D, \
                                  float eps) {                                                     \
    rms_norm(x, weight, bias, y, D, eps);                                                          \
  }                                                                                                \
  __global__ void head_norm_##name(const float* h, const float* weight, const float* bias,         \
                                   const A* out_gate, int stride, A* y, int NH, int DHV,           \
                                   float eps) {                                                    \
    head_norm(h, weight, bias, out_gate, stride, y, NH, DHV, eps);                                 \
  }

__global__ void __launch_bounds__(kThreads)
    rms_norm_units_bf16(const uint4* x, const float* weight, const float* bias, uint4* y, int units,
                        float eps) {
  rms_norm_units(x, weight, bias, y, units, eps);
}
#define XLSTM_NORM_GATES(N)                                                                     \
  __global__ void __launch_bounds__(kGateThreads)                                               \
      norm_gates_##N(const uint4* x, const float* weight, const float* bias, uint4* y,          \
                     const float* W2, const float* bias2, float* y2, int M, int D, float eps) { \
    norm_gates<N / 8>(x, weight, bias, y, W2, bias2, y2, M, D, eps);                            \
  }
XLSTM_NORM_GATES(8)
XLSTM_NORM_GATES(16)
XLSTM_NORM_GATES(32)
XLSTM_NORMS(float, f32)
XLSTM_NORMS(bf16, bf16)
}
