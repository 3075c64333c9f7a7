// Soft cap and log-sigmoid: what turns a gate's pre-activation into the cell's input.
//
//   soft_cap(z; c) = c * tanh(z / c)
//   log_sigmoid(z) = min(z, 0) - log1p(exp(-|z|))
//
// log_sigmoid must have this form: log(sigmoid(z)) has lost 17% of its value at z = 15.
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"

namespace xlstm::kernels {

// out[i] = soft_cap(z[i]; cap) for i < count; cap <= 0: a copy. z and out may be the same. Error:
// 12 eps |out|, eps = 2^-24. NaN stays NaN.
void soft_cap(ThreadPool& pool, const float* z, float cap, float* out, std::size_t count);

// out[i] = soft_cap(z[i] + bias[i % NH]; cap) for i in [0, rows * NH), in float64, rounded once.
// z, out: [rows, NH] float32, may be the same; bias: [NH] or nullptr; cap <= 0: none.
void soft_cap_reference(const float* z, const float* bias, float cap, float* out, std::size_t rows,
                        std::size_t NH);

double log_sigmoid_reference(double z);

}  // namespace xlstm::kernels
