// Our Metal kernels, and what MLX itself has on Apple's GPUs, in place of definitions.
#pragma once

#include "xlstm/mlx/fused_ops.h"
#include "xlstm/mlx/metal/kernel_call.h"
#include "xlstm/mlx/metal/tiles.h"

namespace xlstm::mlx::metal {

struct MlstmOperands;  // calls.h

class MetalFusedOps : public GpuFusedOps {
 public:
  // What `launch` runs: MLX's Metal back end (mlx_launcher()), or what a test puts in its place.
  explicit MetalFusedOps(Launcher launch, const Tuning& tuning = {});

  std::vector<TuningChoice> tuning_choices() const override;
  void choose(std::string_view name, int value) override;

  std::optional<mx::array> embed(A W, A ids, mx::Dtype type) override;
  std::optional<mx::array> embed(const QuantizedArrays& W, A ids, mx::Dtype type) override;
  std::optional<mx::array> gated(A gate_up, Activation f) override;
  std::optional<mx::array> soft_cap(A x, float cap) override;
  std::optional<mx::array> head_norm(A h, A weight, const std::optional<mx::array>& bias, int NH,
                                     float eps) override;
  std::optional<mx::array> activate(A x, Activation f) override;
  std::optional<mx::array> headwise_linear(A x, A W, const std::optional<mx::array>& bias) override;
  std::optional<ConvOutput> causal_conv1d(A x, A W, A bias, A window) override;
  std::optional<MixerOutput> mlstm_mixer(A qkvo, A gates, A weight,
                                         const std::optional<mx::array>& bias,
                                         const MlstmMixerSpec& spec,
                                         const MlstmArrays& state) override;
  std::optional<MixerOutput> mlstm_cell(const CellInput& in, const MlstmMixerSpec& spec,
                                        const MlstmArrays& state) override;
  std::optional<SlstmOutput> slstm_scan(A gates_if, A gates_zo, A R, A bias,
                                        const SlstmArrays& state) override;
  std::optional<mx::array> likeliest(A logits, const std::optional<mx::array>& may) override;

 private:
  std::optional<MixerOutput> mlstm(const MlstmOperands& in);

  Launcher launch_;
  Tuning tuning_;
};

}  // namespace xlstm::mlx::metal
