// How the layers of an xLSTM-large model are divided among ranks: the mLSTM by heads, the
// feed-forward layer by its inner columns. Both sum what their ranks add to the stream, which every
// rank holds whole.
#pragma once

#include <cstdint>
#include <vector>

#include "xlstm/wiring/division.h"

namespace xlstm::xlstm_large {

// As DivideLayer.
std::vector<Cut> divide_layer(Layer& layer, std::int64_t D, const RankOf& rank,
                              const GroupOf& group_of);

}  // namespace xlstm::xlstm_large
