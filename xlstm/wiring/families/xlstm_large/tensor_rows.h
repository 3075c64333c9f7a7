// The tensors of an xLSTM-large model, in the dialects of Hugging Face and of the NX-AI package.
// Source: HF transformers' xlstm and the NX-AI package's xlstm_large.
#pragma once

#include "xlstm/wiring/tensor_table.h"

namespace xlstm::xlstm_large {

// Indices in the table's dims: vocabulary, width of the stream, heads, widths of queries or keys
// and of values (all heads together: DQK = NH*DHQK, DV = NH*DHV), inner width of the FFN.
enum Dim : std::size_t { kV, kD, kNH, kDQK, kDV, kF };

enum : Condition { kUseBias = kAlways + 1, kHasOutNorm, kHasOutNormBias, kUntiedHead, kConditions };

// Canonical names within a layer (prefix "blocks.N."):
//   mlstm: norm.weight [D], qkvo.weight [2*NH*DHQK + 2*NH*DHV, D] (rows q, k, v, o-gate),
//          gates.weight [2*NH, D], gates.bias [2*NH] (rows i, f),
//          head_norm.weight [NH*DHV], out.weight [D, NH*DHV]
//   ffn:   norm.weight [D], up.weight [2*F, D] (rows gate, up), down.weight [D, F]
// and with use_bias: norm.bias, qkvo.bias, head_norm.bias, out.bias, up.bias, down.bias.
// Outside blocks: "embedding.weight" [V, D], "out_norm.weight" [D] (and .bias), "lm_head.weight"
// [V, D]. The layer of a tied head has no parameters.
const TensorTable& tensor_table();

}  // namespace xlstm::xlstm_large
