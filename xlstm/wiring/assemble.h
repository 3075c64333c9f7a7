// The nodes of a plan from tensors that have been checked.
#pragma once

#include <string>
#include <vector>

#include "xlstm/wiring/matrix_view.h"
#include "xlstm/wiring/plan.h"
#include "xlstm/wiring/presence.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm {

// In the order in which data passes. `tensors` has no faults: blocks are numbered from 0 without
// gaps. Indices in the nodes' slots are those of the checkpoint, not of the view.
std::vector<Node> assemble_nodes(const SortedTensors& tensors, const MatrixView& source,
                                 const Widths& widths, const Presence& presence);

// "hf" or "package", with "+fused" where any weight is fused.
std::string dialect_of(const SortedTensors& tensors, const TensorSource& source);

}  // namespace xlstm
