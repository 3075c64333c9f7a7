// The elementwise functions of a block.
#pragma once

#include "xlstm/cuda/kernels/common.cuh"

// `function`: as Activation (backend/backend.h) counts them.
__device__ inline float activated(float x, int function) {
  switch (function) {
    case 0:  // SiLU
      return x * sigmoid_of(x);
    case 1:  // GELU: x times the normal distribution's mass below x, right in its tail too
      return 0.5F * x * erfcf(-0.70710678118654752F * x);
    case 2:  // ReLU
      return fmaxf(x, 0.0F);
    case 3:  // its square
      return fmaxf(x, 0.0F) * fmaxf(x, 0.0F);
    case 4:
      return sigmoid_of(x);
    default:  // SELU
      return 1.0507009873554805F * (x > 0 ? x : 1.6732632423543772F * expm1f(x));
  }
}
