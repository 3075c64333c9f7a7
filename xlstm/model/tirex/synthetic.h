// TiRex with random weights, for benchmarks.
#pragma once

#include "xlstm/model/synthetic.h"

namespace xlstm::tirex {

// 35 million parameters: the published model's sizes.
Synthetic make_synthetic_35m();

}  // namespace xlstm::tirex
