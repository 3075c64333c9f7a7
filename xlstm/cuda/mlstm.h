// The mLSTM cell with what surrounds it: which kernel for which sizes.
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/mlstm_chunk.h"
#include "xlstm/cuda/state_batch.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

class Mlstm {
 public:
  // `chunk`: of how many tokens chunks are where there are many, a multiple of 64.
  explicit Mlstm(Workspace& work, std::int64_t chunk = 128) : work_(work), chunks_(work, chunk) {}

  // As Backend's ops of these names.
  Tensor cell(const MlstmCellInput& in, const MlstmMixerSpec& spec, LayerState state);
  Tensor mixer(const Tensor& qkvo, const Tensor& gates, const Norm& norm,
               const MlstmMixerSpec& spec, LayerState state);
  // The mixer of one token of one sequence up to its norm: h [1, V] float32.
  Tensor open_mixer(const Tensor& qkvo, const Tensor& gates, const MlstmMixerSpec& spec,
                    LayerState state);
  // With `out_gate`, columns from `column` on: times their sigmoid.
  Tensor head_norm(const Tensor& h, const Norm& norm, std::int64_t NH, float eps,
                   const Tensor& out_gate, std::int64_t column, DType dtype);

 private:
  MlstmArgs arguments(std::string_view op, const MlstmMixerSpec& spec, std::int64_t T,
                      LayerState state);
  MlstmArgs mixer_arguments(const Tensor& qkvo, const Tensor& gates, const MlstmMixerSpec& spec,
                            LayerState state);
  void run(const MlstmArgs& args, DType dtype, LayerState state);
  // One token of each sequence; `dependent` as in Grid.
  void step(const MlstmArgs& args, DType dtype, bool dependent);
  bool takes_heads(const MlstmArgs& args) const;
  void step_heads(const MlstmArgs& args, DType dtype, bool dependent);
  int* counters(std::int64_t count);

  Workspace& work_;
  MlstmChunks chunks_;
  Tensor counters_;  // of blocks that have finished, 0 between kernels
};

}  // namespace xlstm::cuda
