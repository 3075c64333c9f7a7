// The backends that this machine has, for tests that run through all of them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "xlstm/backend/backend.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/cuda/cuda_backend.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm::testing {

struct BackendCase {
  const char* name;  // as tests are called by it
  DType activations;
  std::shared_ptr<Backend> (*make)();

  bool is_float32() const { return activations == DType::kF32; }
};

inline void PrintTo(const BackendCase& each, std::ostream* out) {
  *out << each.name;
}

namespace backends {

template <mlx::DeviceKind kDevice, DType kActivations>
std::shared_ptr<Backend> on_mlx() {
  return mlx::make_backend({.device = kDevice, .activation_dtype = kActivations, .threads = 2});
}

template <DType kActivations>
std::shared_ptr<Backend> on_cuda() {
  return cuda::make_backend(kActivations, 2);
}

inline std::shared_ptr<Backend> on_cpu() {
  return cpu::make_backend(2);
}

}  // namespace backends

// The kernels; MLX's definitions on MLX's own CPU device, which is how a GPU's path is tested
// everywhere; a GPU where there is one.
inline std::vector<BackendCase> all_backends() {
  using backends::on_mlx;
  using mlx::DeviceKind;
  std::vector<BackendCase> cases = {
      {"cpu", DType::kF32, backends::on_cpu},
      {"mlx_float32", DType::kF32, on_mlx<DeviceKind::kCpu, DType::kF32>},
      {"mlx_bfloat16", DType::kBF16, on_mlx<DeviceKind::kCpu, DType::kBF16>}};
  if (cuda::has_gpu()) {
    cases.push_back({"cuda_float32", DType::kF32, backends::on_cuda<DType::kF32>});
    cases.push_back({"cuda_bfloat16", DType::kBF16, backends::on_cuda<DType::kBF16>});
  }
  if (mlx::has_gpu()) {
    cases.push_back({"gpu_float32", DType::kF32, on_mlx<DeviceKind::kGpu, DType::kF32>});
    cases.push_back({"gpu_bfloat16", DType::kBF16, on_mlx<DeviceKind::kGpu, DType::kBF16>});
  }
  return cases;
}

inline std::vector<BackendCase> float32_backends() {
  std::vector<BackendCase> cases;
  for (const BackendCase& each : all_backends()) {
    if (each.is_float32()) cases.push_back(each);
  }
  return cases;
}

inline std::string backend_name(const ::testing::TestParamInfo<BackendCase>& info) {
  return info.param.name;
}

inline std::vector<float> values_of(Backend& b, const Tensor& tensor) {
  const Tensor in_float32 = tensor.dtype() == DType::kF32 ? tensor : b.to_float32(tensor);
  const auto values = b.read_floats(in_float32);
  return {values.begin(), values.end()};
}

}  // namespace xlstm::testing
