// TiRex with random weights, for benchmarks.
#pragma once

#include "xlstm/model/synthetic.h"

namespace xlstm::tirex {

// Feed-forward layers are of width F, the layers that make and read tokens of inner width H; a
// token is a patch of 32 values, a context has 64.
struct SyntheticSize {
  std::int64_t D, L, NH, F, H;
};

Synthetic make_synthetic(const SyntheticSize& size);

}  // namespace xlstm::tirex
