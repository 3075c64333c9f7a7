#include "mlx/backend/metal/metal.h"
#include "mlx/fast.h"
#include "xlstm/mlx/fused_ops.h"
#include "xlstm/mlx/metal/fused_ops.h"

namespace xlstm::mlx {

std::optional<mx::array> GpuFusedOps::rms_norm(A x, A weight, float eps) {
  return mx::fast::rms_norm(x.array, weight.array, eps, x.device);
}

std::optional<mx::array> GpuFusedOps::head_norm(A h, A weight, const std::optional<mx::array>& bias,
                                                int NH, float eps) {
  if (NH != 1) return {};
  const mx::array y = mx::fast::layer_norm(h.array, weight.array, bias, eps, h.device);
  return mx::astype(y, weight.array.dtype(), h.device);
}

std::shared_ptr<FusedOps> gpu_fused_ops() {
  if (!mx::metal::is_available()) return std::make_shared<GpuFusedOps>();
  return std::make_shared<metal::MetalFusedOps>(metal::mlx_launcher(mx::Device::gpu));
}

}  // namespace xlstm::mlx
