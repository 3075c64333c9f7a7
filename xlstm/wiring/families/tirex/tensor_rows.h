// The tensors of a TiRex model.
#pragma once

#include "xlstm/wiring/tensor_table.h"

namespace xlstm::tirex {

// Indices in the table's dims: width of the stream, heads, width of a head, inner width of the FFN;
// input and inner width of what reads patches, width of what a token forecasts.
enum Dim : std::size_t { kD, kNH, kDH, kF, kI, kH, kO };

// Canonical names within a layer (prefix "blocks.N."):
//   slstm: norm.weight [D], gates_if.weight [2*NH, DH, DH], gates_zo.weight [2*NH, DH, DH],
//          recurrent [NH, DH, 4*DH] (columns i, f, z, o), bias [4*D] (each head's i, f, z, o),
//          group_norm.weight [D] (what is added to 1)
//   ffn:   norm.weight [D], up.weight [2*F, D] (rows gate, up), down.weight [D, F]
// Outside blocks: layers "input" and "output", each hidden, output and residual with .weight and
// .bias; "out_norm.weight" [D].
//
// Checkpoints name the gates as their projections were meant to be used, and use fgate as the input
// gate's and igate as the forget gate's: models are trained so.
const TensorTable& tensor_table();

}  // namespace xlstm::tirex
