// Tensors that a checkpoint holds under several names.
#pragma once

#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/diagnostics.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm::tirex2 {

// Of each pair that fills the same entry both are read: a fault where they differ, and where they
// are equal the pair is no duplicate any more. Throws Error(kFile) as TensorSource::read() does.
void settle_aliases(const TensorSource& source, SortedTensors& tensors, Diagnostics& diagnostics);

}  // namespace xlstm::tirex2
