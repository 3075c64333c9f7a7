// Which family of models a checkpoint belongs to that is not xLSTM-large.
#pragma once

#include <string_view>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// The family that the tensors' names show, as a person would call it; empty if none is recognised.
// Meant for checkpoints without a block of xLSTM-large.
std::string_view recognise_other_family(const TensorSource& source);

}  // namespace xlstm
