// What an sLSTM layer's cell gets from its own last output, as the op takes it, from either of the
// two ways in which the NX-AI package stores it.
#pragma once

#include "xlstm/backend/backend.h"
#include "xlstm/wiring/families/xlstm_original/xlstm_original.h"

namespace xlstm::xlstm_original {

// `R` and `bias` as OriginalSlstmSpec::is_vanilla says that they lie. Prepared for the backend.
SlstmWeights slstm_weights(Backend& b, const Tensor& R, const Tensor& bias,
                           const OriginalSlstmSpec& spec);

}  // namespace xlstm::xlstm_original
