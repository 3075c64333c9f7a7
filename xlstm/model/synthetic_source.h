// Tensors of random numbers that are made when they are read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// A tensor to be made: uniform with this standard deviation, or all 1 for 0; numbers that bfloat16
// has, in that type or in float32.
struct SyntheticTensor {
  TensorInfo info;
  double deviation;
};

SyntheticTensor synthetic_tensor(std::string name, Shape shape, double deviation,
                                 DType type = DType::kBF16);
// Of deviation 1 / sqrt(its last axis), so that products stay as large as what enters them.
SyntheticTensor synthetic_matrix(std::string name, Shape shape, DType type = DType::kBF16);

// The same numbers at every call.
std::unique_ptr<TensorSource> synthetic_source(std::vector<SyntheticTensor> tensors);

}  // namespace xlstm
