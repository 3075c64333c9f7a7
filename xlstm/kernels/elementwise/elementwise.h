// Sums, products and sigmoids of arrays, element by element.
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// x, z, y: [count] float32; y may be x or z, but not overlap them otherwise. The result does not
// depend on the number of threads.

// y = x + z, rounded once.
void add(ThreadPool& pool, const float* x, const float* z, float* y, std::size_t count);

// y = x * z, rounded once.
void multiply(ThreadPool& pool, const float* x, const float* z, float* y, std::size_t count);

// y = 1 / (1 + exp(-x)); NaN stays NaN. Error: 4 eps y + 2^-126, eps = 2^-24 (exp 2, the sum and
// the quotient 1 each); below x = -88 y is 0.
void sigmoid(ThreadPool& pool, const float* x, float* y, std::size_t count);

// In float64, rounded once: the truth in tests.
void add_reference(const float* x, const float* z, float* y, std::size_t count);
void multiply_reference(const float* x, const float* z, float* y, std::size_t count);
void sigmoid_reference(const float* x, float* y, std::size_t count);

}  // namespace xlstm::kernels
