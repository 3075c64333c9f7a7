// A depthwise convolution over the last K inputs of each channel, summed in float32, with the
// inputs before the first token in a window that moves on.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::CausalConvArgs;

namespace {

struct Channel {
  int c, b;

  // Grid: (blocks of channels, .., B).
  __device__ Channel() : c(blockIdx.x * blockDim.x + threadIdx.x), b(blockIdx.z) {}
};

// Input t of a sequence, where -1 is the last of its window.
template <typename A>
__device__ float input(const CausalConvArgs& a, const Channel& at, int t) {
  if (t < 0) return a.window[at.b][(a.K - 1 + t) * a.C + at.c];
  return to_float(static_cast<const A*>(a.x)[(static_cast<int64>(at.b) * a.S + t) * a.C + at.c]);
}

// The window after all tokens: rising, so that each number is read before it is written.
template <typename A>
__device__ void move_window(const CausalConvArgs& a, const Channel& at) {
  for (int j = 0; j + 1 < a.K; ++j) {
    a.window[at.b][j * a.C + at.c] = input<A>(a, at, a.S - (a.K - 1) + j);
  }
}

// `a.tokens` of a channel; kTaps: K where it is known.
template <typename A, int kTaps>
__device__ void convolve(const CausalConvArgs& a) {
  const Channel at;
  if (at.c >= a.C) return;
  const int K = kTaps > 0 ? kTaps : a.K;
  const float* const w = a.W + static_cast<int64>(at.c) * K;
  const float bias = a.bias != nullptr ? a.bias[at.c] : 0.0F;
  const int first = blockIdx.y * a.tokens, end = min(first + a.tokens, a.S);
  for (int t = first; t < end; ++t) {
    float sum = bias;
#pragma unroll
    for (int j = 0; j < K; ++j) sum += w[j] * input<A>(a, at, t - K + 1 + j);
    static_cast<A*>(a.y)[(static_cast<int64>(at.b) * a.S + t) * a.C + at.c] = from_float<A>(sum);
  }
  if (gridDim.y == 1) move_window<A>(a, at);  // else others may still read it
}

template <typename A>
__device__ void move_window(const CausalConvArgs& a) {
  const Channel at;
  if (at.c < a.C) move_window<A>(a, at);
}

}  // namespace

extern "C" {
#define XLSTM_CAUSAL_CONV(A, name)                                 \
  __global__ void causal_conv_##name##_4(CausalConvArgs args) {    \
    convolve<A, 4>(args);                                          \
  }                                                                \
  __global__ void causal_conv_##name(CausalConvArgs args) {        \
    convolve<A, 0>(args);                                          \
  }                                                                \
  __global__ void causal_conv_window_##name(CausalConvArgs args) { \
    move_window<A>(args);                                          \
  }
XLSTM_CAUSAL_CONV(float, f32)
XLSTM_CAUSAL_CONV(bf16, bf16)
}
