// Norms of rows and of heads, statistics in float32. A block for each row or head.
#include "xlstm/cuda/kernels/common.cuh"

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
XLSTM_NORMS(float, f32)
XLSTM_NORMS(bf16, bf16)
}
