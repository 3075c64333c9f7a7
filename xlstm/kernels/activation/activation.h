// Elementwise functions, alone and as the gate of a feed-forward layer (Shazeer 2020,
// arXiv:2002.05202).
//
//   SiLU     x / (1 + exp(-x))
//   GELU     x (1 + erf(x / sqrt(2))) / 2
//   ReLU     max(x, 0),  and its square
//   sigmoid  1 / (1 + exp(-x))
//   SELU     s x for x > 0,  s a (exp(x) - 1) else;  s = 1.0507..., a = 1.6732...
#pragma once

#include <cstddef>

#include "xlstm/base/activation.h"
#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// y = f(x); x, y: [count] float32, y may be x. NaN stays NaN. The result does not depend on the
// number of threads. Errors, eps = 2^-24: SiLU 5 eps |y| + 2^-126 |x|, sigmoid 4 eps y + 2^-126,
// ReLU 0, its square 1 eps y, SELU 12 eps |y| (exp - 1: 8, two constants, two products), GELU
// 14 eps |x|: erf is by Abramowitz and Stegun 7.1.26, wrong by at most 1.5e-7 = 2.5 eps, and
// rounding adds up to 20 eps to it (coefficients 5, polynomial 6, its argument 4, exp 3,
// product and difference 2); half of that is x's factor, and two more roundings follow.
void activate(ThreadPool& pool, Activation f, const float* x, float* y, std::size_t count);

// y = f(g) u. gate_up: [rows, 2 * F] float32, each row the F values of g, then those of u; y:
// [rows, F], which does not overlap it. Error: that of f times |u|, and 1 eps |y|.
void gated(ThreadPool& pool, Activation f, const float* gate_up, float* y, std::size_t rows,
           std::size_t F);

// In float64, rounded once: the truth in tests.
void activate_reference(Activation f, const float* x, float* y, std::size_t count);
void gated_reference(Activation f, const float* gate_up, float* y, std::size_t rows, std::size_t F);

}  // namespace xlstm::kernels
