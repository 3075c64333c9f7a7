// One block of an xLSTM-large model: an mLSTM layer and a gated feed-forward layer, each of which
// adds to the residual stream.
#pragma once

#include <optional>

#include "mlx/array.h"
#include "xlstm/ops/ops.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

struct Norm {
  mlx::core::array weight;               // [D]
  std::optional<mlx::core::array> bias;  // [D]
};

struct Dense {
  ops::WeightArray weight;               // [N, K]
  std::optional<mlx::core::array> bias;  // [N]
};

struct MlstmWeights {
  Norm norm;       // D
  Dense qkvo;      // [2 * NH * DHQK + 2 * NH * DHV, D], rows q, k, v, o-gate
  Dense gates;     // [2 * NH, D] float32, rows i, f
  Norm head_norm;  // NH * DHV
  Dense out;       // [D, NH * DHV]
};

struct FfnWeights {
  Norm norm;   // D
  Dense up;    // [2 * F, D], rows gate, up
  Dense down;  // [D, F]
};

struct LargeBlock {
  MlstmWeights mlstm;
  FfnWeights ffn;
};

// x [B, S, D] through the block: [B, S, D] of x's dtype, which is `activation`; moves `state` on by
// S tokens.
mlx::core::array large_block(const mlx::core::array& x, const LargeBlock& block,
                             const LargeDims& dims, mlx::core::Dtype activation,
                             ops::MlstmState& state);

// The same, spelled out op by op.
mlx::core::array large_block_definition(const mlx::core::array& x, const LargeBlock& block,
                                        const LargeDims& dims, mlx::core::Dtype activation,
                                        ops::MlstmState& state);

}  // namespace xlstm
