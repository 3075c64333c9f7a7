// How forecasters read patches and write quantiles: ResidualMlpSpec (wiring/layer_specs.h).
#pragma once

#include <memory>

#include "xlstm/model/layer_recipe.h"

namespace xlstm {

std::unique_ptr<const LayerRecipe> make_residual_mlp(const Layer& layer,
                                                     const LayerWeights& weights);

}  // namespace xlstm
