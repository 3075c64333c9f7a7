// Products for each head: which kernel for which sizes.
#pragma once

#include "xlstm/backend/weights.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// As Backend's op of this name.
Tensor headwise_linear(Workspace& work, const Tensor& x, const Headwise& weights);

}  // namespace xlstm::cuda
