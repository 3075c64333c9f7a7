// The head of an xLSTM-large model as one op, on the CPU.
#pragma once

#include <memory>
#include <optional>

#include "xlstm/ops/ops.h"

namespace xlstm::ops {

struct LargeHeadArrays {
  std::optional<Norm> norm;  // D
  Dense projection;          // [V, D]
};

class LargeHeadCpu {
 public:
  // Evaluates the arrays. Throws Error(kInternal) where shapes do not fit [V, D].
  LargeHeadCpu(const LargeHeadArrays& arrays, std::size_t V, std::size_t D, float norm_eps,
               std::optional<float> soft_cap);

  // x [B, S, D] float32 -> logits [B, positions, V] of the last `positions` tokens; 0 <= positions
  // <= S.
  mx::array operator()(const mx::array& x, int positions) const;

 private:
  struct Prepared;
  std::shared_ptr<const Prepared> prepared_;
};

}  // namespace xlstm::ops
