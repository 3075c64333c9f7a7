// Widths of a model from the shapes of its tensors.
#pragma once

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/config.h"
#include "xlstm/wiring/faults.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm {

// Each width is what most of the tensors that show it say (of equals, the first in the table's
// order), so that one misshapen tensor is found to be wrong and not all others. 0 where none shows
// it.
Widths find_widths(const SortedTensors& tensors, const TensorSource& source);

// Disagreements between config and tensors in sizes, the number of blocks included, and head counts
// that do not divide the widths.
void compare_sizes(const LargeConfig& config, const Widths& widths, const SortedTensors& tensors,
                   Faults& faults);

// True if tensors of this length along an axis can be held (1 to 2^31 - 1).
bool is_axis_length(std::int64_t length);

}  // namespace xlstm
