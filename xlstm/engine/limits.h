// What a model may use: device, element type, memory.
#pragma once

#include <cstdint>
#include <string>

#include "mlx/device.h"
#include "xlstm/engine/engine.h"
#include "xlstm/model/model.h"

namespace xlstm {

// The device that options ask for. Throws Error(kUsage).
mlx::core::Device device_of(const EngineOptions& options);

// Makes the device MLX's default and sets the thread count. Throws Error(kUsage), also for a wrong
// XLSTM_THREADS.
void choose_device(const EngineOptions& options);

// The element type that options ask for on that device. Throws Error(kUsage).
ComputeDtype choose_dtype(const EngineOptions& options);

// The most bytes that may be in use: the hard limit, else what the device has.
std::uint64_t memory_limit(const EngineOptions& options);

// `estimate` beside what the hard limit and this machine leave.
MemoryNeed memory_need_of(const MemoryEstimate& estimate, const EngineOptions& options);

// Throws Error(kMemory), with both numbers, when `estimate` on top of what is in use passes the
// hard limit or what can be had on this machine. `where` names the model.
void check_memory(const MemoryEstimate& estimate, const EngineOptions& options,
                  const std::string& where);

// Tells MLX the limits, its own where there are none; to be called once the weights are in memory.
void apply_limits(const EngineOptions& options);

// Drops MLX's caches if the process is above the soft limit.
void respect_soft_limit(const EngineOptions& options);

}  // namespace xlstm
