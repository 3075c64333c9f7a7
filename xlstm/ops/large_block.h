// A whole block of an xLSTM-large model as one op, on the CPU: a step of the plain recipe
// (xlstm/model/large_block.h) is some forty nodes of MLX's graph, and each costs the host
// microseconds.
#pragma once

#include <memory>

#include "xlstm/kernels/large_block/large_block.h"
#include "xlstm/ops/ops.h"

namespace xlstm::ops {

class AtOnce;

struct LargeBlockArrays {
  Norm mlstm_norm;  // D
  Dense qkvo;       // [2 * NH * DHQK + 2 * NH * DHV, D], rows q, k, v, o-gate
  Dense gates;      // [2 * NH, D] float32, rows i, f
  Norm head_norm;   // NH * DHV
  Dense out;        // [D, NH * DHV]
  Norm ffn_norm;    // D
  Dense up;         // [2 * F, D], rows gate, up
  Dense down;       // [D, F]
};

class LargeBlockCpu {
 public:
  // Evaluates the arrays; norms and biases become float32. Throws Error(kInternal) where shapes do
  // not fit `sizes`.
  LargeBlockCpu(const LargeBlockArrays& arrays, const kernels::LargeBlockSizes& sizes);

  // x [B, S, D] float32, S >= 1 -> [B, S, D]; moves `state` on by S tokens. Both in place where
  // nobody else holds them. In the scope of an AtOnce a kernel that throws leaves `state` half
  // moved.
  mx::array operator()(mx::array x, MlstmState& state) const;

 private:
  void run_in_place(AtOnce& scope, mx::array& x, MlstmState& state) const;

  struct Prepared;
  std::shared_ptr<const Prepared> prepared_;  // queued nodes hold it too
};

}  // namespace xlstm::ops
