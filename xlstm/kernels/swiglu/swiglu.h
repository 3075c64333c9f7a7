// The gate of the feed-forward layer (Shazeer 2020, arXiv:2002.05202).
//
//   y = g * sigmoid(g) * u
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// gate_up: [rows, 2 * F] float32, each row the F values of g, then those of u; y: [rows, F],
// which does not overlap it. Error: 8 eps |y| + 2^-126 |g u|, eps = 2^-24 (sigmoid 4, two products,
// and room for what they do to each other); below g = -88 y is 0.
void swiglu(ThreadPool& pool, const float* gate_up, float* y, std::size_t rows, std::size_t F);

// In float64, rounded once.
void swiglu_reference(const float* gate_up, float* y, std::size_t rows, std::size_t F);

}  // namespace xlstm::kernels
