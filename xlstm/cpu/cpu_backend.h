// The CPU backend: every op is computed when it is called, by the kernels of xlstm/kernels/.
#pragma once

#include <cstddef>
#include <memory>

#include "xlstm/backend/backend.h"

namespace xlstm::cpu {

// `threads`: of kernels; 0: default_thread_count(). Throws Error(kUsage) for a wrong number, also
// in XLSTM_THREADS, and for a wrong XLSTM_SIMD. `group`: as Backend's.
std::unique_ptr<Backend> make_backend(std::size_t threads = 0, std::shared_ptr<Group> group = {});

}  // namespace xlstm::cpu
