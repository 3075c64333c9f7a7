// What a model may use: device, element type, memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "xlstm/backend/backend.h"
#include "xlstm/engine/engine.h"
#include "xlstm/model/model.h"

namespace xlstm {

// The backend that options ask for, of its own, with what was chosen for its device (tuning.h).
// Throws Error(kUsage), also for wrong environment variables (check_environment()).
std::shared_ptr<Backend> make_backend(const EngineOptions& options);

// The element type of weights that options ask for. Throws Error(kUsage).
DType weight_dtype(const EngineOptions& options);

// The most bytes that may be in use: the hard limit, else what the device or the machine has.
std::uint64_t memory_limit(const EngineOptions& options, const Backend& backend);

// `bytes` beside what the hard limit and this machine leave.
MemoryNeed memory_need_of(std::uint64_t bytes, const EngineOptions& options,
                          const Backend& backend);

// Throws Error(kMemory), with both numbers, when `estimate` on top of what the backend uses passes
// the hard limit or what can be had on this machine. `where` names the model.
void check_memory(const MemoryEstimate& estimate, const EngineOptions& options,
                  const Backend& backend, const std::string& where);

// Drops the backend's caches if the process is above the soft limit.
void respect_soft_limit(const EngineOptions& options, Backend& backend);

}  // namespace xlstm
