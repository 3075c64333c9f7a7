// Attention across the rows of series.
#pragma once

#include "xlstm/backend/backend.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// As Backend's op of this name.
Tensor row_attention(Workspace& work, const Tensor& qkv, const RowAttentionSpec& spec);

}  // namespace xlstm::cuda
