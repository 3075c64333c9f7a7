#include "xlstm/engine/limits.h"

#include <algorithm>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/thread_pool.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/cuda/cuda_backend.h"
#include "xlstm/engine/environment.h"
#include "xlstm/engine/memory_left.h"
#include "xlstm/engine/tuning.h"
#include "xlstm/group/group.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm {
namespace {

// Whether options ask for a GPU.
bool wants_gpu(const EngineOptions& options) {
  if (options.device == "cpu") return false;
  if (options.device == "auto") return cuda::has_gpu() || mlx::has_gpu();
  if (options.device == "gpu") return true;
  fail_wanted(ErrorKind::kUsage, "device", "auto, cpu or gpu", xlstm::quoted(options.device));
}

std::uint64_t less(std::uint64_t all, std::uint64_t used) {
  return all > used ? all - used : 0;
}

// A hard limit is a promise to stay below it, and no memory that the machine does not have. Weights
// are counted as the backend's memory: what is resident beside them (code, pieces of files) is
// small or can be dropped.
struct AvailableMemory {
  std::uint64_t bytes = 0;
  std::string source;
};

AvailableMemory memory_of_machine(const Backend& backend) {
  if (const std::uint64_t bytes = backend.device_memory()) {
    return {less(bytes, backend.memory().active), str("the device's ", human_bytes(bytes))};
  }
  return {available_memory_bytes(), str("the machine's ", human_bytes(physical_memory_bytes()))};
}

AvailableMemory memory_left(const EngineOptions& options, const Backend& backend) {
  AvailableMemory left = memory_of_machine(backend);
  const std::uint64_t allowed = less(options.hard_memory_limit, backend.memory().active);
  if (options.hard_memory_limit == 0 || allowed > left.bytes) return left;
  return {allowed, str("the limit of ", human_bytes(options.hard_memory_limit))};
}

// Ranks of one host share its cores.
std::size_t threads_of(const EngineOptions& options) {
  if (options.threads > 0 || options.group == nullptr) return options.threads;
  const auto ranks = static_cast<std::size_t>(options.group->local_size());
  return std::max<std::size_t>(default_thread_count() / ranks, 1);
}

[[noreturn]] void fail_memory(const MemoryNeed& need, const std::string& where,
                              const std::string& parts) {
  fail_wanted(ErrorKind::kMemory, where, human_bytes(need.needed) + parts,
              str(human_bytes(need.left), " left of ", need.of));
}

}  // namespace

std::shared_ptr<Backend> make_backend(const EngineOptions& options) {
  const bool gpu = wants_gpu(options);
  const DType dtype = weight_dtype(options);
  check_environment();
  if (!gpu) return cpu::make_backend(threads_of(options), options.group);
  if (cuda::has_gpu() || !mlx::has_gpu()) {
    return cuda::make_backend(dtype, threads_of(options), options.group);
  }
  if (options.group != nullptr) {
    fail_wanted(ErrorKind::kUsage, "devices", "NVIDIA GPUs, or --device cpu",
                str(options.group->size(), " with MLX, which has one"));
  }
  std::shared_ptr<Backend> backend = mlx::make_backend(
      {.device = mlx::DeviceKind::kGpu, .activation_dtype = dtype, .threads = options.threads});
  load_tuning(*backend, tuning_file(*backend), options.on_notice);
  return backend;
}

DType weight_dtype(const EngineOptions& options) {
  if (options.dtype == "float32") return DType::kF32;
  if (options.dtype == "bfloat16") return DType::kBF16;
  if (options.dtype == "auto") return wants_gpu(options) ? DType::kBF16 : DType::kF32;
  fail_wanted(ErrorKind::kUsage, "dtype", "auto, float32 or bfloat16",
              xlstm::quoted(options.dtype));
}

std::uint64_t memory_limit(const EngineOptions& options, const Backend& backend) {
  if (options.hard_memory_limit > 0) return options.hard_memory_limit;
  const std::uint64_t device = backend.device_memory();
  return device > 0 ? device : physical_memory_bytes();
}

MemoryNeed memory_need_of(std::uint64_t bytes, const EngineOptions& options,
                          const Backend& backend) {
  const AvailableMemory left = memory_left(options, backend);
  // Ranks without devices of their own share the memory of their host, each a part of about a size.
  const bool is_shared = options.group != nullptr && backend.device_memory() == 0;
  const int ranks = is_shared ? options.group->local_size() : 1;
  return {bytes * static_cast<std::uint64_t>(ranks), left.bytes, left.source};
}

void check_memory(const MemoryEstimate& estimate, const EngineOptions& options,
                  const Backend& backend, const std::string& where) {
  const MemoryNeed need = memory_need_of(estimate.total(), options, backend);
  if (need.fits()) return;
  fail_memory(
      need, where,
      str(" (weights ", human_bytes(estimate.weights), ", state ", human_bytes(estimate.state),
          ", workspace ", human_bytes(estimate.workspace), ")"));
}

void check_host_memory_left(std::uint64_t bytes, const EngineOptions& options,
                            const std::string& where) {
  const MemoryNeed need = memory_need_of(bytes, options, *cpu::make_backend());
  if (!need.fits()) fail_memory(need, where, "");
}

void respect_soft_limit(const EngineOptions& options, Backend& backend) {
  if (options.soft_memory_limit == 0) return;
  const BackendMemory use = backend.memory();
  if (use.cache > 0 &&
      std::max(use.active + use.cache, resident_bytes()) > options.soft_memory_limit) {
    backend.drop_cache();
  }
}

}  // namespace xlstm
