// Several sources as one.
#pragma once

#include <memory>
#include <vector>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

// All tensors of `sources`; of metadata or configs that several give, the first. Throws
// Error(kFormat) naming both files when a tensor is in two of them.
std::unique_ptr<TensorSource> join_sources(std::vector<std::unique_ptr<TensorSource>> sources);

}  // namespace xlstm
