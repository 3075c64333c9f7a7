// What follows the blocks of an xLSTM-large model.
#pragma once

#include <optional>

#include "mlx/array.h"
#include "xlstm/model/large_dims.h"
#include "xlstm/ops/large_head.h"

namespace xlstm {

class LargeHead {
 public:
  LargeHead(ops::LargeHeadArrays arrays, const LargeDims& dims);

  // x [B, S, D] -> logits [B, positions, V] float32, soft-capped, of the last `positions` tokens.
  mlx::core::array operator()(const mlx::core::array& x, int positions) const;

  // The same, spelled out op by op, on any device.
  mlx::core::array definition(const mlx::core::array& x, int positions) const;

 private:
  ops::LargeHeadArrays w_;
  LargeDims dims_;
  std::optional<ops::LargeHeadCpu> cpu_;  // where the device is the CPU
};

}  // namespace xlstm
