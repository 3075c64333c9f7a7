// Kernels of a device that compute several of MLX's ops at once.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/mlx/definitions.h"

namespace xlstm::mlx {

struct MixerOutput {
  mx::array h;  // [T, NH * DHV] of the activations' type; of the cell alone float32
  MlstmArrays state;
};

// MlstmCellInput's arrays.
struct CellInput {
  DeviceArray q, k;  // [T, NH * DHQK]
  DeviceArray v;     // [T, NH * DHV]
  DeviceArray i, f;  // [T, NH]
};

// QuantizedTensor's arrays.
struct QuantizedArrays {
  mx::array words, scales;
  std::optional<mx::array> biases;
  Quantization format;
};

// Each gives nothing where it does not serve, and the definition is then used.
class FusedOps {
 public:
  virtual ~FusedOps() = default;

  // As Backend's. choose() gets a value that is one of the choice's.
  virtual std::vector<TuningChoice> tuning_choices() const { return {}; }
  virtual void choose(std::string_view /*name*/, int /*value*/) {}

  // Rows `ids` of W [V, D], in this type: [T, D].
  virtual std::optional<mx::array> embed(A /*W*/, A /*ids*/, mx::Dtype /*type*/) { return {}; }
  // The same of a quantised W.
  virtual std::optional<mx::array> embed(const QuantizedArrays& /*W*/, A /*ids*/,
                                         mx::Dtype /*type*/) {
    return {};
  }
  virtual std::optional<mx::array> rms_norm(A /*x*/, A /*weight*/, float /*eps*/) { return {}; }
  // As the definition, plus `bias` [NH * DHV] where there is one.
  virtual std::optional<mx::array> head_norm(A /*h*/, A /*weight*/,
                                             const std::optional<mx::array>& /*bias*/, int /*NH*/,
                                             float /*eps*/) {
    return {};
  }
  virtual std::optional<mx::array> activate(A /*x*/, Activation /*f*/) { return {}; }
  // As the definition, but of x's type, plus `bias` [G * O] where there is one.
  virtual std::optional<mx::array> headwise_linear(A /*x*/, A /*W*/,
                                                   const std::optional<mx::array>& /*bias*/) {
    return {};
  }
  // As the definition, but for x and y [B * S, C], both of x's type.
  virtual std::optional<ConvOutput> causal_conv1d(A /*x*/, A /*W*/, A /*bias*/, A /*window*/) {
    return {};
  }
  // f(gate) * up, [T, 2 * F] -> [T, F].
  virtual std::optional<mx::array> gated(A /*gate_up*/, Activation /*f*/) { return {}; }
  virtual std::optional<mx::array> soft_cap(A /*x*/, float /*cap*/) { return {}; }
  // As Backend::mlstm_mixer. `weight`, `bias`: of the norm of the heads.
  virtual std::optional<MixerOutput> mlstm_mixer(A /*qkvo*/, A /*gates*/, A /*weight*/,
                                                 const std::optional<mx::array>& /*bias*/,
                                                 const MlstmMixerSpec& /*spec*/,
                                                 const MlstmArrays& /*state*/) {
    return {};
  }
  // As Backend::mlstm_cell.
  virtual std::optional<MixerOutput> mlstm_cell(const CellInput& /*in*/,
                                                const MlstmMixerSpec& /*spec*/,
                                                const MlstmArrays& /*state*/) {
    return {};
  }
  // As the definition, but for gates_if and gates_zo [T, 2 * NH * DH] and y [T, NH * DH].
  virtual std::optional<SlstmOutput> slstm_scan(A /*gates_if*/, A /*gates_zo*/, A /*R*/, A /*bias*/,
                                                const SlstmArrays& /*state*/) {
    return {};
  }
  // Of each row of logits [B, V] float32 the id of the largest, [B] int32: the lowest of equals
  // among those that `may` [V] bool lets be chosen, kNoToken where these have a NaN or +inf or
  // nothing but -inf.
  virtual std::optional<mx::array> likeliest(A /*logits*/,
                                             const std::optional<mx::array>& /*may*/) {
    return {};
  }
};

// What MLX itself offers on a GPU.
class GpuFusedOps : public FusedOps {
 public:
  std::optional<mx::array> rms_norm(A x, A weight, float eps) override;
  // Of whole rows, NH = 1.
  std::optional<mx::array> head_norm(A h, A weight, const std::optional<mx::array>& bias, int NH,
                                     float eps) override;
};

// Of the GPU that MLX uses here: on Apple's, our kernels too (metal/fused_ops.h).
std::shared_ptr<FusedOps> gpu_fused_ops();

}  // namespace xlstm::mlx
