// Families whose checkpoints are known by name and not run yet.
#pragma once

#include <optional>
#include <string_view>

#include "xlstm/weights/tensor_source.h"

namespace xlstm {

struct UnsupportedFamily {
  std::string_view name;    // as a person would call it
  std::string_view reason;  // why it is not run
};

// The family that the tensors' names show; nullopt if none is recognised. Meant for checkpoints
// that none of families() recognises.
std::optional<UnsupportedFamily> recognise_unsupported_family(const TensorSource& source);

}  // namespace xlstm
