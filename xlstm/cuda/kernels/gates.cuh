// The gates of the mLSTM cell and its denominator.
#pragma once

#include "xlstm/cuda/kernels/common.cuh"

__device__ inline float capped(float x, float cap) {
  return cap > 0 ? cap * tanhf(x / cap) : x;
}

// 1 / (max(|q . n|, exp(-m)) + eps)
__device__ inline float inverse_denominator(float qn, float m, float eps) {
  return 1.0F / (fmaxf(fabsf(qn), expf(fminf(-m, 88.0F))) + eps);
}
