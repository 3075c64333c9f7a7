// The sLSTM layer of a TiRex block (arXiv:2505.23719), which adds to the residual stream.
#pragma once

#include <memory>

#include "xlstm/model/layer_recipe.h"

namespace xlstm::tirex {

std::unique_ptr<const LayerRecipe> make_slstm_layer(const Layer& layer,
                                                    const LayerWeights& weights);

}  // namespace xlstm::tirex
