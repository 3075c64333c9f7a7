// The layers of the first paper's blocks (Beck et al. 2024, arXiv:2405.04517), each of which adds
// to the residual stream, and the norm behind the last block.
#pragma once

#include <memory>

#include "xlstm/model/layer_recipe.h"

namespace xlstm::xlstm_original {

std::unique_ptr<const LayerRecipe> make_mlstm_layer(const Layer& layer,
                                                    const LayerWeights& weights);
std::unique_ptr<const LayerRecipe> make_slstm_layer(const Layer& layer,
                                                    const LayerWeights& weights);
std::unique_ptr<const LayerRecipe> make_ffn(const Layer& layer, const LayerWeights& weights);
std::unique_ptr<const LayerRecipe> make_norm(const Layer& layer, const LayerWeights& weights);

}  // namespace xlstm::xlstm_original
