// The threads of the ops' kernels on the CPU, one pool for the process.
#pragma once

#include <cstddef>

#include "xlstm/base/profile.h"
#include "xlstm/base/thread_pool.h"

namespace xlstm::ops {

ThreadPool& thread_pool();
Profile& profile();  // of what they run

// Of the next pool; 0: the default. No kernel may run. Throws Error(kUsage) as ThreadPool does.
void set_thread_count(std::size_t threads);
std::size_t chosen_thread_count();  // what was set last, 0: nothing

}  // namespace xlstm::ops
