// The part of a TiRex-2 block that mixes along time: an mLSTM or sLSTM cell that reads each row
// forwards and, where its future is known, also backwards, with the same weights.
#pragma once

#include <memory>

#include "xlstm/model/layer_recipe.h"
#include "xlstm/model/tirex2/row_batch.h"

namespace xlstm::tirex2 {

class TimeMixer {
 public:
  virtual ~TimeMixer() = default;

  // x [R * S, D] + what the cell makes of the normed x. `state` has R rows and, behind them, one
  // for each known row, which is that of its backward pass and at its start.
  virtual Tensor forward(Backend& b, Tensor x, const RowBatch& rows, LayerState state) const = 0;
};

// Of a layer of kind "tirex2_mlstm" or "tirex2_slstm".
std::unique_ptr<const TimeMixer> make_time_mixer(const Layer& layer, const LayerWeights& weights);

}  // namespace xlstm::tirex2
