// Checkpoints of random weights with the first paper's blocks: mLSTM and sLSTM blocks, mixed.
#pragma once

#include <cstdint>

#include "xlstm/model/synthetic.h"

namespace xlstm::xlstm_original {

// All but these is as the package's defaults have it: E = 2 * D, F = 1.3 * D rounded up to 64s.
struct SyntheticSize {
  std::int64_t D, L, NH, V;
  std::int64_t slstm_every;  // so many blocks, the last of them is an sLSTM block
};

Synthetic make_synthetic(const SyntheticSize& size);

}  // namespace xlstm::xlstm_original
