// Convolutions over time: tokens of all rows of a batch through the kernel, which moves their
// windows on.
#pragma once

#include "xlstm/backend/backend.h"

namespace xlstm::cpu {

// W [C, K] as the kernel takes it, [K, C].
void transpose_taps(const Tensor& W, float* taps);

// Backend::causal_conv1d() with W [K, C], into y [T, C]. Throws Error(kInternal) where shapes or
// types do not fit, Error(kMemory) where a window gets no memory of its own.
void run_causal_conv(ThreadPool& threads, const Tensor& x, const CausalConv& weights,
                     LayerState state, const Tensor& y);

}  // namespace xlstm::cpu
