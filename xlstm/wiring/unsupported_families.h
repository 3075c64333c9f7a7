// Families whose checkpoints are known by name and not run yet.
#pragma once

#include <string_view>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// The family that the tensors' names show, as a person would call it; empty if none is recognised.
// Meant for checkpoints that none of families() recognises.
std::string_view recognise_unsupported_family(const TensorSource& source);

}  // namespace xlstm
