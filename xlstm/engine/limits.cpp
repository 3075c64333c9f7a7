#include "xlstm/engine/limits.h"

#include <algorithm>
#include <variant>

#include "mlx/device.h"
#include "mlx/memory.h"
#include "mlx/stream.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"
#include "xlstm/engine/environment.h"
#include "xlstm/engine/memory_left.h"
#include "xlstm/ops/gpu_products.h"
#include "xlstm/ops/thread_pool.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;

// Memory of a device as MLX knows it, 0 where it does not say.
std::uint64_t device_memory(const mx::Device& device) {
  if (device == mx::Device::cpu) return 0;
  const auto& info = mx::device_info(device);
  for (const char* key : {"memory_size", "total_memory"}) {
    const auto entry = info.find(key);
    if (entry == info.end()) continue;
    if (const std::size_t* bytes = std::get_if<std::size_t>(&entry->second)) return *bytes;
  }
  return 0;
}

struct Room {
  std::uint64_t bytes = 0;
  std::string source;
};

std::uint64_t less(std::uint64_t all, std::uint64_t used) {
  return all > used ? all - used : 0;
}

// Weights are counted as MLX's memory: what is resident beside them (code, pieces of files) is
// small or can be dropped.
Room room_of_machine(const mx::Device& device, std::uint64_t used) {
  if (const std::uint64_t bytes = device_memory(device)) {
    return {less(bytes, used), str("the device's ", human_bytes(bytes))};
  }
  return {available_memory_bytes(), str("the machine's ", human_bytes(physical_memory_bytes()))};
}

// A hard limit is a promise to stay below it, and no memory that the machine does not have.
Room room_left(const EngineOptions& options) {
  const std::uint64_t used = mx::get_active_memory();
  Room room = room_of_machine(device_of(options), used);
  const std::uint64_t allowed = less(options.hard_memory_limit, used);
  if (options.hard_memory_limit == 0 || allowed > room.bytes) return room;
  return {allowed, str("the limit of ", human_bytes(options.hard_memory_limit))};
}

// What MLX does unless told otherwise.
struct MlxLimits {
  std::size_t memory = mx::get_memory_limit();
  std::size_t cache = cache_limit();

  static std::size_t cache_limit() {
    const std::size_t limit = mx::set_cache_limit(0);  // tells the old one; there is no other way
    mx::set_cache_limit(limit);
    return limit;
  }
};

}  // namespace

mx::Device device_of(const EngineOptions& options) {
  const bool has_gpu = mx::is_available(mx::Device::gpu);
  if (options.device == "cpu") return mx::Device::cpu;
  if (options.device == "auto") return has_gpu ? mx::Device::gpu : mx::Device::cpu;
  if (options.device != "gpu") {
    fail_wanted(ErrorKind::kUsage, "device", "auto, cpu or gpu", xlstm::quoted(options.device));
  }
  if (has_gpu) return mx::Device::gpu;
  fail_wanted(ErrorKind::kUsage, "device", "a GPU that MLX can use",
              "none: this machine has none, or this MLX was built without support for it");
}

DeviceAsBefore::DeviceAsBefore()
    : device_(mx::default_device()), threads_(ops::chosen_thread_count()) {}

DeviceAsBefore::~DeviceAsBefore() {
  if (stays_) return;
  mx::set_default_device(device_);
  if (ops::chosen_thread_count() != threads_) ops::set_thread_count(threads_);
}

void choose_device(const EngineOptions& options) {
  mx::set_default_device(device_of(options));
  ops::ask_for_float32_products();  // calibration and the self test load no Model, which asks too
  if (options.threads > 0) ops::set_thread_count(options.threads);
  check_environment();
}

ComputeDtype choose_dtype(const EngineOptions& options) {
  if (options.dtype == "float32") return ComputeDtype::kFloat32;
  if (options.dtype == "bfloat16") return ComputeDtype::kBfloat16;
  if (options.dtype == "auto") {
    return device_of(options) == mx::Device::gpu ? ComputeDtype::kBfloat16 : ComputeDtype::kFloat32;
  }
  fail_wanted(ErrorKind::kUsage, "dtype", "auto, float32 or bfloat16",
              xlstm::quoted(options.dtype));
}

std::uint64_t memory_limit(const EngineOptions& options) {
  if (options.hard_memory_limit > 0) return options.hard_memory_limit;
  const std::uint64_t device = device_memory(device_of(options));
  return device > 0 ? device : physical_memory_bytes();
}

MemoryNeed memory_need_of(std::uint64_t bytes, const EngineOptions& options) {
  const Room room = room_left(options);
  return {bytes, room.bytes, room.source};
}

void check_memory(const MemoryEstimate& estimate, const EngineOptions& options,
                  const std::string& where) {
  check_memory_left(
      estimate.total(), options, where,
      str(" (weights ", human_bytes(estimate.weights), ", state ", human_bytes(estimate.state),
          ", workspace ", human_bytes(estimate.workspace), ")"));
}

void check_memory_left(std::uint64_t bytes, const EngineOptions& options, const std::string& where,
                       const std::string& parts) {
  const MemoryNeed need = memory_need_of(bytes, options);
  if (need.fits()) return;
  fail_wanted(ErrorKind::kMemory, where, human_bytes(bytes) + parts,
              str(human_bytes(need.left), " left of ", need.of));
}

void apply_limits(const EngineOptions& options) {
  static const MlxLimits kDefaults;
  const std::uint64_t hard = options.hard_memory_limit, soft = options.soft_memory_limit;
  mx::set_memory_limit(hard > 0 ? hard : kDefaults.memory);
  mx::set_cache_limit(soft > 0 ? less(soft, mx::get_active_memory()) : kDefaults.cache);
}

void respect_soft_limit(const EngineOptions& options) {
  if (options.soft_memory_limit == 0) return;
  mx::synchronize();  // MLX's thread lets go of an evaluation's arrays only after eval() returned
  if (mx::get_cache_memory() == 0) return;
  const std::uint64_t device = mx::get_active_memory() + mx::get_cache_memory();
  if (std::max(device, resident_bytes()) > options.soft_memory_limit) mx::clear_cache();
}

}  // namespace xlstm
