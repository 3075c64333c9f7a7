// One block of an xLSTM-large model: an mLSTM layer and a gated feed-forward layer, each of which
// adds to the residual stream.
#pragma once

#include <optional>

#include "mlx/array.h"
#include "xlstm/model/large_dims.h"
#include "xlstm/ops/large_block.h"

namespace xlstm {

// From the projections of S tokens to what the mLSTM layer's last product reads: cell, norm of each
// head, output gate. qkvo [B, S, 2 * NH * DHQK + 2 * NH * DHV]; gates [B, S, 2 * NH] float32, not
// yet capped; result [B, S, NH * DHV] in `activation`. Moves `state` on by S tokens.
mlx::core::array mlstm_inner(const mlx::core::array& qkvo, const mlx::core::array& gates,
                             const ops::Norm& head_norm, const LargeDims& dims,
                             ops::MlstmState& state, mlx::core::Dtype activation);

class LargeBlock {
 public:
  // `activation`: the dtype of the residual stream. On the CPU it is float32, and the block is
  // prepared to run as one op.
  LargeBlock(ops::LargeBlockArrays arrays, const LargeDims& dims, mlx::core::Dtype activation);

  // x [B, S, D] -> [B, S, D]; moves `state` on by S tokens.
  mlx::core::array operator()(mlx::core::array x, ops::MlstmState& state) const;

  // The same, spelled out op by op, on any device.
  mlx::core::array definition(const mlx::core::array& x, ops::MlstmState& state) const;

 private:
  mlx::core::array mlstm_layer(const mlx::core::array& x, ops::MlstmState& state) const;
  mlx::core::array ffn(const mlx::core::array& x) const;

  ops::LargeBlockArrays w_;
  LargeDims dims_;
  mlx::core::Dtype activation_;
  std::optional<ops::LargeBlockCpu> cpu_;
};

}  // namespace xlstm
