// The mLSTM cell: tokens of all rows of a batch through the kernels, which move its states on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/kernels/mlstm_step/mlstm_step_args.h"

namespace xlstm::cpu {

// Where q, k, v and the gates of each token lie: columns of wider rows.
struct CellColumns {
  const float *q, *k, *v, *i, *f;
  std::ptrdiff_t qkv_stride, gate_stride;  // floats from token to token
};

class MlstmCell {
 public:
  // T tokens of the rows of a CpuStates, as its lengths() say: h [T, NH * DHV]. Throws
  // Error(kInternal) where the tokens or the states do not fit, Error(kMemory) where a state gets
  // no memory of its own.
  void run(ThreadPool& threads, const CellColumns& in, std::int64_t T, const MlstmMixerSpec& s,
           LayerState state, float* h);

 private:
  void run_rows(ThreadPool& threads, const CellColumns& in, std::size_t first, std::size_t B,
                std::size_t S, const MlstmMixerSpec& s, float* h) const;

  std::vector<kernels::MlstmStatePointers> rows_;  // of the batch under way
};

}  // namespace xlstm::cpu
