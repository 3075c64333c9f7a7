// The two layers of which a block of an xLSTM-large model is made (Beck et al. 2025,
// arXiv:2503.13427): an mLSTM layer and a gated feed-forward layer, each of which adds to the
// residual stream.
#pragma once

#include <memory>

#include "xlstm/backend/backend.h"
#include "xlstm/model/layer_recipe.h"
#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"

namespace xlstm::xlstm_large {

MlstmMixerSpec mixer_spec(const MlstmSpec& spec);

std::unique_ptr<const LayerRecipe> make_mlstm_layer(const Layer& layer,
                                                    const LayerWeights& weights);
std::unique_ptr<const LayerRecipe> make_gated_ffn(const Layer& layer, const LayerWeights& weights);

}  // namespace xlstm::xlstm_large
