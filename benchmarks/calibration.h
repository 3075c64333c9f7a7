// What matrices multiply with: mean squares of activations, for rounding that counts errors by
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "xlstm/convert/convert.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// Reads `ids` with the model in float32. For each matrix of the blocks and for the head: the mean
// of x[k]^2 over all tokens.
Importance activation_squares(const Plan& plan, const TensorSource& source,
                              const std::vector<std::int32_t>& ids);

}  // namespace xlstm
