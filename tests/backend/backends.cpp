#include "tests/backend/backends.h"

#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/cuda/cuda_backend.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm::testing {
namespace {

template <mlx::DeviceKind kDevice, DType kActivations>
std::shared_ptr<Backend> on_mlx() {
  return mlx::make_backend({.device = kDevice, .activation_dtype = kActivations, .threads = 2});
}

template <DType kActivations>
std::shared_ptr<Backend> on_cuda() {
  return cuda::make_backend(kActivations, 2);
}

std::shared_ptr<Backend> on_cpu() {
  return cpu::make_backend(2);
}

}  // namespace

// The kernels; MLX's definitions on MLX's own CPU device, which is how a GPU's path is tested
// everywhere; a GPU where there is one.
std::vector<BackendCase> all_backends() {
  using mlx::DeviceKind;
  std::vector<BackendCase> cases = {
      {"cpu", DType::kF32, on_cpu},
      {"mlx_float32", DType::kF32, on_mlx<DeviceKind::kCpu, DType::kF32>},
      {"mlx_bfloat16", DType::kBF16, on_mlx<DeviceKind::kCpu, DType::kBF16>}};
  if (cuda::has_gpu()) {
    cases.push_back({"cuda_float32", DType::kF32, on_cuda<DType::kF32>});
    cases.push_back({"cuda_bfloat16", DType::kBF16, on_cuda<DType::kBF16>});
  }
  if (mlx::has_gpu()) {
    cases.push_back({"gpu_float32", DType::kF32, on_mlx<DeviceKind::kGpu, DType::kF32>});
    cases.push_back({"gpu_bfloat16", DType::kBF16, on_mlx<DeviceKind::kGpu, DType::kBF16>});
  }
  return cases;
}

}  // namespace xlstm::testing
