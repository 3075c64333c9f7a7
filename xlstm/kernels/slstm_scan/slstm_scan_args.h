// Sizes and states of the sLSTM scan.
#pragma once

#include <cstddef>

#include "xlstm/kernels/linear/linear.h"

namespace xlstm::kernels {

// One sequence: its state, updated in place, and which of the call's tokens are its own. Sequences'
// states may lie anywhere.
struct SlstmRow {
  float *y, *c, *n, *m;    // [NH, DH] each
  std::size_t first = 0;   // token
  std::size_t tokens = 0;  // of the sequence, one behind the other
};

struct SlstmScanArgs {
  std::size_t B = 0;   // sequences
  std::size_t NH = 0;  // heads
  std::size_t DH = 0;  // width of a head
};

}  // namespace xlstm::kernels
