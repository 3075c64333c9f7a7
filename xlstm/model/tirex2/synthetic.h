// TiRex-2 with random weights, for benchmarks.
#pragma once

#include "xlstm/model/synthetic.h"

namespace xlstm::tirex2 {

// 82.5 million parameters: the published model's sizes, mLSTM and sLSTM blocks in turns.
Synthetic make_synthetic_82m();

}  // namespace xlstm::tirex2
