// Weights where kernels find them: computed, contiguous, of the types that kernels read.
#pragma once

#include "xlstm/kernels/dense/dense.h"
#include "xlstm/ops/ops.h"

namespace xlstm::ops {

// The type of an array of floats, and how a kernel reads them.
DType element_type(const mx::array& a);
kernels::WeightType weight_type(const mx::array& a);

// The same values with their memory in place: norms and biases in float32. Waits for them.
Norm settled(const Norm& norm);
Dense settled(const Dense& dense);

// Pointers into settled weights, which must outlive them. Throw Error(kInternal), which names `op`
// and `name`, where shapes are not [width] or [N, K].
kernels::NormWeights pointers(const char* op, const char* name, const Norm& norm,
                              std::size_t width);
kernels::DenseWeights pointers(const char* op, const char* name, const Dense& dense, std::size_t N,
                               std::size_t K);

}  // namespace xlstm::ops
