// What a model may use: device, element type, memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mlx/device.h"
#include "xlstm/engine/engine.h"
#include "xlstm/model/model.h"

namespace xlstm {

// The device that options ask for. Throws Error(kUsage).
mlx::core::Device device_of(const EngineOptions& options);

// Makes the device MLX's default, with real float32 products, and sets the thread count. Throws
// Error(kUsage), also for what check_environment() refuses.
void choose_device(const EngineOptions& options);

// Puts the process's device and thread count back as they were when this was made, unless the
// change shall stay.
class DeviceAsBefore {
 public:
  DeviceAsBefore();
  ~DeviceAsBefore();
  DeviceAsBefore(const DeviceAsBefore&) = delete;
  DeviceAsBefore& operator=(const DeviceAsBefore&) = delete;

  void change_stays() { stays_ = true; }

 private:
  mlx::core::Device device_;
  std::size_t threads_;
  bool stays_ = false;
};

// The element type that options ask for on that device. Throws Error(kUsage).
ComputeDtype choose_dtype(const EngineOptions& options);

// The most bytes that may be in use: the hard limit, else what the device has.
std::uint64_t memory_limit(const EngineOptions& options);

// `bytes` beside what the hard limit and this machine leave.
MemoryNeed memory_need_of(std::uint64_t bytes, const EngineOptions& options);

// Throws Error(kMemory), with both numbers, when `estimate` on top of what is in use passes the
// hard limit or what can be had on this machine. `where` names the model.
void check_memory(const MemoryEstimate& estimate, const EngineOptions& options,
                  const std::string& where);

// Tells MLX the limits, its own where there are none; to be called once the weights are in memory.
void apply_limits(const EngineOptions& options);

// Drops MLX's caches if the process is above the soft limit.
void respect_soft_limit(const EngineOptions& options);

}  // namespace xlstm
