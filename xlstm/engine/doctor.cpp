#include "xlstm/engine/doctor.h"

#include <sys/utsname.h>

#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/thread_pool.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/engine/self_test.h"
#include "xlstm/kernels/simd/simd.h"
#include "xlstm/mlx/devices.h"
#include "xlstm/mlx/mlx_backend.h"

namespace xlstm {
namespace {

// Only a GPU has memory to tell of.
bool may_round_to_tf32(const Backend& backend) {
  return backend.device_memory() > 0 && mlx::gpu_may_round_to_tf32();
}

std::string system_name() {
  utsname name{};
  return ::uname(&name) == 0 ? str(name.sysname, " ", name.release, " ", name.machine) : "unknown";
}

}  // namespace

std::string mlx_version() {
  return mlx::version();
}

MachineFacts machine_facts(const EngineOptions& options) {
  MachineFacts facts;
  facts.system = system_name();
  facts.mlx_version = mlx::version();
  for (mlx::DeviceFacts& device : mlx::devices()) {
    facts.devices.push_back({std::move(device.name), std::move(device.details)});
  }
  const auto simd = kernels::simd_classes();
  facts.simd.assign(simd.begin(), simd.end());
  facts.simd_cap = std::string(kernels::simd_cap());
  const std::shared_ptr<Backend> backend = make_backend(options);
  facts.tf32 = may_round_to_tf32(*backend);
  facts.threads = backend->threads().size();
  return facts;
}

MemoryUse memory_now() {
  MemoryUse use;
  use.resident = resident_bytes();
  use.peak_resident = peak_resident_bytes();
  use.limit = physical_memory_bytes();
  return use;
}

std::vector<CheckResult> self_test(const EngineOptions& options) {
  return translate_bad_alloc([&] {
    std::vector<CheckResult> results;
    for (const char* dtype : {"float32", "bfloat16"}) {
      EngineOptions typed = options;
      typed.dtype = dtype;
      const std::shared_ptr<Backend> backend = make_backend(typed);
      // Where activations are float32 whatever the weights are, there is no second time.
      if (!results.empty() && backend->activation_dtype() == DType::kF32) break;
      const auto more = self_test(*backend, may_round_to_tf32(*backend));
      results.insert(results.end(), more.begin(), more.end());
    }
    return results;
  });
}

}  // namespace xlstm
