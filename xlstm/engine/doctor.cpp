#include "xlstm/engine/doctor.h"

#include <hwy/highway.h>

#include <variant>

#include "mlx/device.h"
#include "mlx/memory.h"
#include "mlx/stream.h"
#include "mlx/version.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/base/threads.h"
#include "xlstm/engine/engine_impl.h"
#include "xlstm/engine/limits.h"
#include "xlstm/ops/self_test.h"

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

// Highway numbers its targets so that a better one of a family has a lower bit, and kernels run on
// the best that the CPU has and the compiler could build.
std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  const std::int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  for (int bit = 0; bit < 63; ++bit) {
    const std::int64_t target = std::int64_t{1} << bit;
    if ((usable & target) != 0) names.emplace_back(hwy::TargetName(target));
  }
  return names;
}

}  // namespace

std::string mlx_version() {
  return mx::version();
}

MachineFacts machine_facts() {
  return {mlx_version(), devices(), simd_targets(), thread_count()};
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
