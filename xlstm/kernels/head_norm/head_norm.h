// Layer norm of each head: the mean is subtracted, the variance is biased.
//
//   y = (h - mean(h)) / sqrt(var(h) + eps) * weight (+ bias), mean and var over the DHV values of a
//   head
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// h, y: [rows, NH, DHV] float32, may be the same; weight: [NH * DHV]; bias: the same or nullptr.
// The reference computes in float64, variance in two passes, and rounds once.
void head_norm_reference(const float* h, const float* weight, const float* bias, float eps,
                         float* y, std::size_t rows, std::size_t NH, std::size_t DHV);

}  // namespace xlstm::kernels
