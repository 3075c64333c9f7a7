// A norm that is a layer of its own: RmsNormSpec (wiring/layer_specs.h).
#pragma once

#include <memory>

#include "xlstm/model/layer_recipe.h"

namespace xlstm {

std::unique_ptr<const LayerRecipe> make_rms_norm(const Layer& layer, const LayerWeights& weights);

}  // namespace xlstm
