#include "xlstm/engine/doctor.h"

#include <variant>

#include "mlx/device.h"
#include "mlx/memory.h"
#include "mlx/stream.h"
#include "mlx/version.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/kernels/simd/simd.h"
#include "xlstm/ops/gpu_products.h"
#include "xlstm/ops/self_test.h"
#include "xlstm/ops/thread_pool.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;

DeviceFacts facts_of(const mx::Device& device, const std::string& name) {
  DeviceFacts facts{name, {}};
  for (const auto& [key, value] : mx::device_info(device)) {
    std::string& text = facts.details[key];
    std::visit([&text](const auto& detail) { text = str(detail); }, value);
  }
  return facts;
}

std::vector<DeviceFacts> devices() {
  std::vector<DeviceFacts> found = {facts_of(mx::Device::cpu, "cpu")};
  if (!mx::is_available(mx::Device::gpu)) return found;
  for (int index = 0; index < mx::device_count(mx::Device::gpu); ++index) {
    found.push_back(facts_of(mx::Device(mx::Device::gpu, index), str("gpu ", index)));
  }
  return found;
}

}  // namespace

std::string mlx_version() {
  return mx::version();
}

MachineFacts machine_facts() {
  const auto simd = kernels::simd_classes();
  return {mlx_version(),
          devices(),
          {simd.begin(), simd.end()},
          std::string(kernels::simd_cap()),
          ops::tf32_wanted(),
          ops::thread_pool().size()};
}

MemoryUse memory_now() {
  MemoryUse use;
  use.active = mx::get_active_memory();
  use.peak = mx::get_peak_memory();
  use.cache = mx::get_cache_memory();
  use.resident = resident_bytes();
  use.peak_resident = peak_resident_bytes();
  use.limit = memory_limit({});
  return use;
}

std::vector<CheckResult> self_test(const EngineOptions& options) {
  return with_memory_told([&] {
    DeviceAsBefore before;
    choose_device(options);
    std::vector<CheckResult> results;
    for (const ops::SelfTestResult& result : ops::self_test()) {
      results.push_back({result.name, result.error, result.bound});
    }
    mx::synchronize();  // nothing of it may go on while the process ends
    before.change_stays();
    return results;
  });
}

}  // namespace xlstm
