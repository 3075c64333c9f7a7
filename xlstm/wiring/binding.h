// Every tensor that the table wants is there once, in the right shape and of a float dtype, and no
// other is.
#pragma once

#include "xlstm/wiring/faults.h"
#include "xlstm/wiring/matrix_view.h"
#include "xlstm/wiring/presence.h"
#include "xlstm/wiring/tensor_names.h"

namespace xlstm {

// True if the block holds something else than an mLSTM and its FFN.
bool is_foreign(const BlockTensors& block);

// Faults: gaps in block numbers, blocks of other kinds, missing, doubled, misshapen and non-float
// tensors, unexpected ones, quantised gates and norms, slots whose parts are stored in different
// formats. Widths that are 0 match any length.
void check_tensors(const SortedTensors& tensors, const MatrixView& source, const Widths& widths,
                   const Presence& presence, Faults& faults);

}  // namespace xlstm
