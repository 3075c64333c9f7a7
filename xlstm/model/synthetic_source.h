// Tensors of random numbers, bfloat16, made when they are read and the same at every call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "xlstm/base/shape.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// A tensor to be made: uniform with this standard deviation, or all 1 for 0.
struct SyntheticTensor {
  TensorInfo info;
  double deviation;
};

SyntheticTensor synthetic_tensor(std::string name, Shape shape, double deviation);
// [N, K] with standard deviation 1 / sqrt(K), so that activations stay finite.
SyntheticTensor synthetic_matrix(std::string name, std::int64_t N, std::int64_t K);

std::unique_ptr<TensorSource> make_synthetic_source(std::vector<SyntheticTensor> tensors);

}  // namespace xlstm
