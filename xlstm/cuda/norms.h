// RMS norms of many rows of bfloat16, sixteen bytes at a time. (Linear::normed() is for up to 64.)
#pragma once

#include <utility>

#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda::norms {

// Whether by_units() takes rows such as those of x [T, D].
bool fits_units(const Tensor& x);
// rms_norm of x to y.
void by_units(Workspace& work, const Tensor& x, const Norm& norm, float eps, const Tensor& y);

// Whether with_gates() takes these.
bool fits_gates(Workspace& work, const Tensor& x, const Dense& gates);
// rms_norm of x [T, D], and the product with `gates` of what it rounds to, [T, N] float32.
std::pair<Tensor, Tensor> with_gates(Workspace& work, const Tensor& x, const Norm& norm, float eps,
                                     const Dense& gates);

}  // namespace xlstm::cuda::norms
