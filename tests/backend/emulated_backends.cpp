// The MLX backend with our Metal kernels, which an emulator runs: all else by MLX's CPU device.
#include <vector>

#include "tests/backend/backends.h"
#include "tests/metal/emulated_launcher.h"
#include "xlstm/mlx/metal/fused_ops.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm::testing {
namespace {

constexpr bool kChecked = XLSTM_EMULATOR_CHECKED;  // slower, and finds races

template <DType kActivations>
std::shared_ptr<Backend> emulated() {
  return mlx::make_backend({.device = mlx::DeviceKind::kCpu,
                            .activation_dtype = kActivations,
                            .threads = 2,
                            .fused = std::make_shared<mlx::metal::MetalFusedOps>(
                                emulated_launcher({.checked = kChecked}))});
}

}  // namespace

std::vector<BackendCase> all_backends() {
  return {{"metal_float32", DType::kF32, emulated<DType::kF32>},
          {"metal_bfloat16", DType::kBF16, emulated<DType::kBF16>}};
}

}  // namespace xlstm::testing
