// Checkpoints of random weights with the architecture of xLSTM-large.
#pragma once

#include <cstdint>

#include "xlstm/model/synthetic.h"

namespace xlstm::xlstm_large {

// DHQK is half of DHV, D = NH * DHV, and the FFN's width follows as the Hugging Face configuration
// computes it.
struct SyntheticSize {
  std::int64_t D, L, NH, V;
};

Synthetic make_synthetic(const SyntheticSize& size);

}  // namespace xlstm::xlstm_large
