// The gate of the feed-forward layer (Shazeer 2020, arXiv:2002.05202).
//
//   y = g * sigmoid(g) * u
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// gate_up: [rows, 2 * F] float32, each row the F values of g, then those of u; y: [rows, F],
// which does not overlap it. Error: 16 eps |y|.
void swiglu(const float* gate_up, float* y, std::size_t rows, std::size_t F);

// In float64, rounded once.
void swiglu_reference(const float* gate_up, float* y, std::size_t rows, std::size_t F);

}  // namespace xlstm::kernels
