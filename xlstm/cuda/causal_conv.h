// The depthwise convolution over time, with its window of inputs as state.
#pragma once

#include "xlstm/backend/weights.h"
#include "xlstm/cuda/state_batch.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// As Backend's op of this name.
Tensor causal_conv1d(Workspace& work, const Tensor& x, const CausalConv& weights, LayerState state);

}  // namespace xlstm::cuda
