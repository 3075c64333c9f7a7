// What a config of the first paper's models says, against the tensors.
#pragma once

#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/families/xlstm_original/config.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm::xlstm_original {

// Whether a block's tensors are those of an sLSTM block.
bool is_slstm(const BlockTensors& block);

// Faults: sizes on which the two disagree or which do not go together, and blocks of another kind
// than slstm_at says. `dims` by Dim (tensor_rows.h).
void compare_sizes(const OriginalConfig& config, const DimLengths& dims,
                   const SortedTensors& tensors, Diagnostics& diagnostics);

}  // namespace xlstm::xlstm_original
