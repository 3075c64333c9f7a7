// What comes of a sum of products, x and y bfloat16.
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

// y of row m of x and row n of W, `value` their product; SwiGLU: n of gate, and `up` that of up's.
__device__ inline void write_result(const xlstm::cuda::RowProductArgs& a, int m, int n, float value,
                                    float up) {
  const int width = a.swiglu != 0 ? a.N / 2 : a.N;
  if (a.bias != nullptr) value += a.bias[n];
  if (a.swiglu != 0) {
    if (a.bias != nullptr) up += a.bias[width + n];
    value = value * sigmoid_of(value) * up;
  }
  const int64 to = static_cast<int64>(m) * width + n;
  if (a.residual != nullptr) value += to_float(static_cast<const bf16*>(a.residual)[to]);
  static_cast<bf16*>(a.y)[to] = from_float<bf16>(value);
}
