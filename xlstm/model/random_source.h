// Checkpoints of random numbers that lie nowhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "xlstm/base/shape.h"
#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// A bfloat16 tensor to be made: uniform with this standard deviation, or all 1 for 0.
struct RandomTensor {
  TensorInfo info;
  double deviation = 0;
};

RandomTensor random_tensor(std::string name, Shape shape, double deviation);
// W [N, K] with deviation 1 / sqrt(K): products keep the size of what they multiply.
RandomTensor random_matrix(std::string name, std::int64_t N, std::int64_t K);

// Numbers are made when they are read, the same at every call.
std::unique_ptr<TensorSource> random_source(std::vector<RandomTensor> tensors);

}  // namespace xlstm
