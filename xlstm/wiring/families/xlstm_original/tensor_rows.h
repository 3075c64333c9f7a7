// The tensors of a model of the first paper's blocks, as the NX-AI package names them.
#pragma once

#include "xlstm/wiring/tensor_table.h"

namespace xlstm::xlstm_original {

// Indices in the table's dims: vocabulary and width of the stream; of mLSTM blocks inner width,
// heads, blocks of the block-diagonal projections and their width, taps of the convolution; of
// sLSTM blocks heads, their width, taps, the last two axes of the recurrent matrices, inner width
// of the FFN.
enum Dim : std::size_t { kV, kD, kE, kNH, kP, kBS, kK, kSNH, kSDH, kSK, kR1, kR2, kF };

enum : Condition {
  kVocabulary = kAlways + 1,
  kUntiedHead,
  kPostNorm,
  kBias,
  kSlstmConv,
  kGroupNorm,
  kFfn,
  kFfnBias,
  kConditions
};

// Canonical names within a layer (prefix "blocks.N."):
//   mlstm: norm.weight [D], up.weight [2*E, D] (rows xm, z), conv.weight [E, K], conv.bias [E],
//          qk.weight [2*P, BS, BS] (groups of q, of k), v.weight [P, BS, BS],
//          gates.weight [2*NH, 3*E], gates.bias [2*NH] (rows i, f; columns q, k, v),
//          head_norm.weight [E], skip [E], down.weight [D, E]
//          and with biases: up.bias, qk.bias, v.bias, down.bias
//   slstm: norm.weight [D], gates_if.weight, gates_zo.weight [2*SNH, SDH, SDH] (heads of i, of f),
//          cell.R [SNH, R1, R2], cell.bias [4*D] as the package stores them, and perhaps
//          conv.weight [D, SK], conv.bias [D], group_norm.weight [D]
//   ffn:   norm.weight [D], up.weight [2*F, D] (rows gate, up), down.weight [D, F], perhaps biases
// Outside blocks: "embedding.weight" [V, D], "post_norm.weight" [D], "lm_head.weight" [V, D]. The
// layer of a tied head has no parameters. To weights of norms 1 is added before they multiply.
const TensorTable& tensor_table();

}  // namespace xlstm::xlstm_original
