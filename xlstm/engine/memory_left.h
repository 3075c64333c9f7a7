// Whether there is memory for work whose need is known.
#pragma once

#include <cstdint>
#include <string>

#include "xlstm/engine/engine.h"

namespace xlstm {

// Throws Error(kMemory), with both numbers, where `bytes` of the host's memory pass the hard limit
// or what can be had on this machine. `where` names what needs them.
void check_host_memory_left(std::uint64_t bytes, const EngineOptions& options,
                            const std::string& where);

}  // namespace xlstm
