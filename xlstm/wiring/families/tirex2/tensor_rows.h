// The tensors of a TiRex-2 model.
#pragma once

#include "xlstm/wiring/tensor_table.h"

namespace xlstm::tirex2 {

// Indices in the table's dims: width of the stream, of a query or key of all heads, heads of mLSTM
// and of sLSTM, width of an sLSTM head, inner width of the gated FFN; input and hidden
// width of the input's layer, hidden and output width of the head's.
enum Dim : std::size_t { kD, kDQK, kNH, kNS, kDH, kF, kI, kIF, kHF, kJ };

enum : Condition { kIsMlstm = kAlways + 1, kIsSlstm, kHasOutNorm, kConditions };

// Canonical names within a layer (prefix "blocks.N."):
//   time:    norm.weight [D], combination.weight [D, 2*D] (columns forward, backward), and
//            of mLSTM: qkvo.weight [2*DQK + 2*D, D], gates.weight [2*NH, D] and .bias (rows i, f),
//                      head_norm.weight [D], out.weight [D, D]
//            of sLSTM: gates_if.weight [2*NS, DH, DH], gates_zo.weight [2*NS, DH, DH],
//                      recurrent [NS, DH, 4*DH], bias [NS, 4, DH] (i, f, z, o),
//                      group_norm.weight [D]
//   ffn:     norm.weight [D], up.weight [2*F, D] (rows gate, up), down.weight [D, F]
//   variate: norm.weight [D], qkv.weight [3*D, D], out.weight [D, D], ffn_norm.weight [D],
//            up.weight [4*D, D], down.weight [D, 4*D]
// Outside blocks: "input" and "output", hidden, residual and output, each .weight and .bias;
// "out_norm.weight" [D].
// The backward cell is the forward one, so each tensor of a cell has two names, and some have more:
// checkpoints hold any of them, or several that are equal.
const TensorTable& tensor_table();

}  // namespace xlstm::tirex2
