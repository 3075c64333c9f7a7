// What an sLSTM layer's cell gets from its own last output, as the op takes it, from either of the
// two ways in which the NX-AI package stores it.
#pragma once

#include "xlstm/model/layer_recipe.h"
#include "xlstm/wiring/families/xlstm_original/xlstm_original.h"

namespace xlstm::xlstm_original {

// Parameters "cell.R" and "cell.bias", which lie as OriginalSlstmSpec::is_vanilla says.
SlstmWeights slstm_weights(const LayerWeights& w, const OriginalSlstmSpec& spec);

}  // namespace xlstm::xlstm_original
