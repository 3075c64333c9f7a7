// One token through the mLSTM cell (Beck et al. 2024, arXiv:2405.04517, eqs. 19 to 27, stabilised).
// For each sequence and head, with q' = q / sqrt(DHQK) and lf = log_sigmoid(f):
//
//   m' = max(lf + m, i)
//   Fa = exp(lf + m - m'),  Ia = exp(i - m')          both <= 1, at least one is 1
//   C' = Fa C + Ia k v^T
//   n' = Fa n + Ia k
//   h  = (q'^T C') / (max(|q' . n'|, exp(-m')) + eps)
#pragma once

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/mlstm_step/mlstm_step_args.h"

namespace xlstm::kernels {

// All float32, contiguous but for the strides of MlstmStepArgs; i and f are pre-activations,
// already capped.
struct MlstmStepTensors {
  const float* q;                    // [B, NH, DHQK]
  const float* k;                    // [B, NH, DHQK]
  const float* v;                    // [B, NH, DHV]
  const float* i;                    // [B, NH]
  const float* f;                    // [B, NH]
  const MlstmStatePointers* states;  // [B], which overlap neither each other nor anything else
  float* h;                          // [B, NH, DHV]
};

// No alignment beyond float's is needed; every size may be odd. NaN and infinity pass through as
// the formulas say. Rows of the heads' C are spread over threads; the result does not depend on how
// many, nor that of a sequence on the others. Needs B * NH * (2 * DHQK + DHQK / 64 * DHV) floats of
// scratch memory; throws Error(kMemory) where they cannot be had.
void mlstm_step(ThreadPool& pool, const MlstmStepArgs& args, const MlstmStepTensors& t);

// The same in float64, scalar, contiguous only, rounded once at the end: the truth in tests.
void mlstm_step_reference(const MlstmStepArgs& args, const MlstmStepTensors& t);

}  // namespace xlstm::kernels
