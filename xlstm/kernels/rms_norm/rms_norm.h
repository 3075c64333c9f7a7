// Root-mean-square norm over the last axis.
//
//   y = x / sqrt(mean_j(x_j^2) + eps) * weight (+ bias)
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

struct RmsNormArgs {
  const float* x;       // [rows, D]
  const float* weight;  // [D]
  const float* bias;    // [D] or nullptr
  float* y;             // [rows, D]
  float eps;
  std::size_t D;
};

// Error of each y: at most eps_f (D / 2 + 6) |y - bias| + eps_f |y|, eps_f = 2^-24 (the mean of
// squares has the relative error of a sum of D terms, of which the root halves).
void rms_norm(ThreadPool& pool, const float* x, const float* weight, const float* bias, float eps,
              float* y, std::size_t rows, std::size_t D);

// x, y: [rows, D] float32, may be the same; weight: [D]; bias: [D] or nullptr; eps > 0.
// The reference computes in float64 and rounds once.
void rms_norm_reference(const float* x, const float* weight, const float* bias, float eps, float* y,
                        std::size_t rows, std::size_t D);

}  // namespace xlstm::kernels
