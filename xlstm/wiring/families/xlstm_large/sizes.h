// The sizes that a config of xLSTM-large names, against those of the tensors.
#pragma once

#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/families/xlstm_large/config.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm::xlstm_large {

// Faults: disagreements in sizes, the number of blocks included, and head counts that do not divide
// the widths. `dims` by Dim (tensor_rows.h).
void compare_sizes(const LargeConfig& config, const DimLengths& dims, const SortedTensors& tensors,
                   Diagnostics& diagnostics);

}  // namespace xlstm::xlstm_large
