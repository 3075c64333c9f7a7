// The part of a TiRex-2 block that mixes the rows of a sample, at each token by itself: attention
// and a feed-forward layer. A row that is alone in its sample passes by.
#pragma once

#include "xlstm/model/layer_recipe.h"
#include "xlstm/model/tirex2/row_batch.h"
#include "xlstm/wiring/families/tirex2/tirex2.h"

namespace xlstm::tirex2 {

class VariateMixer {
 public:
  VariateMixer(const VariateSpec& spec, const LayerWeights& weights);

  // x [R * S, D] -> [R * S, D]
  Tensor forward(Backend& b, Tensor x, const RowBatch& rows) const;

 private:
  VariateSpec spec_;
  Norm norm_;      // D
  Dense qkv_;      // [3 * D, D]
  Dense out_;      // [D, D]
  Norm ffn_norm_;  // D
  Dense up_;       // [4 * D, D]
  Dense down_;     // [D, 4 * D]
};

}  // namespace xlstm::tirex2
