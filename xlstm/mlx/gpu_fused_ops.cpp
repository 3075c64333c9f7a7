#include "mlx/backend/metal/metal.h"
#include "mlx/fast.h"
#include "xlstm/mlx/fused_ops.h"
#include "xlstm/mlx/metal/fused_ops.h"

namespace xlstm::mlx {

std::optional<mx::array> GpuFusedOps::rms_norm(A x, A weight, float eps) {
  return mx::fast::rms_norm(x.array, weight.array, eps, x.device);
}

std::optional<mx::array> GpuFusedOps::layer_norm(A x, A weight, float eps) {
  return mx::fast::layer_norm(x.array, weight.array, std::nullopt, eps, x.device);
}

std::shared_ptr<FusedOps> gpu_fused_ops() {
  if (!mx::metal::is_available()) return std::make_shared<GpuFusedOps>();
  return std::make_shared<metal::MetalFusedOps>(metal::mlx_launcher(mx::Device::gpu));
}

}  // namespace xlstm::mlx
