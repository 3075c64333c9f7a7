// Kernels of a device that compute several of MLX's ops at once.
#pragma once

#include <memory>
#include <optional>

#include "xlstm/backend/backend.h"
#include "xlstm/mlx/definitions.h"

namespace xlstm::mlx {

struct MixerOutput {
  mx::array h;  // [T, NH * DHV] of the activations' type
  MlstmArrays state;
};

// Each gives nothing where it does not serve, and the definition is then used.
class FusedOps {
 public:
  virtual ~FusedOps() = default;

  virtual std::optional<mx::array> rms_norm(A /*x*/, A /*weight*/, float /*eps*/) { return {}; }
  virtual std::optional<mx::array> swiglu(A /*gate_up*/) { return {}; }
  // As Backend::mlstm_mixer. `weight`, `bias`: of the norm of the heads.
  virtual std::optional<MixerOutput> mlstm_mixer(A /*qkvo*/, A /*gates*/, A /*weight*/,
                                                 const std::optional<mx::array>& /*bias*/,
                                                 const MlstmMixerSpec& /*spec*/,
                                                 const MlstmArrays& /*state*/) {
    return {};
  }
};

// What MLX itself offers on a GPU.
std::shared_ptr<FusedOps> gpu_fused_ops();

}  // namespace xlstm::mlx
