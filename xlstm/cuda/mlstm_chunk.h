// The mLSTM cell of many tokens in chunks, on tensor cores (kernels/mlstm_chunk.cuh).
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

class MlstmChunks {
 public:
  // `chunk`: tokens, a multiple of 64.
  MlstmChunks(Workspace& work, std::int64_t chunk) : work_(work), chunk_(chunk) {}

  // Whether there are kernels for these sizes, and they are the fastest way.
  bool serve(const MlstmArgs& args, DType dtype) const;
  // The cell, and the norm with the output gate where args.y is wanted.
  void run(const MlstmArgs& args);

 private:
  void run_part(MlstmChunkArgs args);

  Workspace& work_;
  std::int64_t chunk_;
};

}  // namespace xlstm::cuda
