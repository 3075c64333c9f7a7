// The MLX backend: ops are nodes of a graph that a device of MLX's computes later. Metal, CUDA, and
// MLX's own CPU device, on which tests run what a GPU runs.
#pragma once

#include <cstddef>
#include <memory>

#include "xlstm/backend/backend.h"

namespace xlstm::mlx {

class FusedOps;  // fused_ops.h

enum class DeviceKind { kCpu, kGpu };

struct Options {
  DeviceKind device = DeviceKind::kGpu;
  DType activation_dtype = DType::kBF16;  // kF32 or kBF16
  std::size_t threads = 0;                // of the host; 0: default_thread_count()
  // Kernels in place of definitions; none: what MLX offers on a GPU, nothing on its CPU device.
  std::shared_ptr<FusedOps> fused = nullptr;
};

bool has_gpu();  // that this MLX can use

// On a GPU it first asks MLX for products in real float32 (float32_products.h). Throws
// Error(kUsage) where MLX has no such device.
std::unique_ptr<Backend> make_backend(Options options);

// Whether the user has set MLX_ENABLE_TF32, so that a GPU may round factors of float32 products.
bool gpu_may_round_to_tf32();

}  // namespace xlstm::mlx
