// Root-mean-square norm over the last axis.
//
//   y = x / sqrt(mean_j(x_j^2) + eps) * weight (+ bias)
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// x, y: [rows, D] float32, may be the same; weight: [D]; bias: [D] or nullptr; eps > 0.
// The reference computes in float64 and rounds once.
void rms_norm_reference(const float* x, const float* weight, const float* bias, float eps, float* y,
                        std::size_t rows, std::size_t D);

}  // namespace xlstm::kernels
