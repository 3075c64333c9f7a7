// One pool of threads for all kernels.
#pragma once

#include <cstddef>
#include <functional>

namespace xlstm {

inline constexpr std::size_t kMostThreads = 1024;

// How many threads kernels use: set_thread_count(), else the environment variable XLSTM_THREADS
// (Error(kUsage) if it is no whole number from 1 to kMostThreads), else the number of cores this
// process may run on. At least 1.
std::size_t thread_count();

// Changes it (0: back to the default). Waits for a running kernel; not from inside of one. Throws
// Error(kUsage) above kMostThreads.
void set_thread_count(std::size_t threads);

// Calls task(part) for each part in [0, parts), at most thread_count() at a time, the caller taking
// its share, and returns when all are done. Parts are dealt statically, in runs of neighbours:
// which thread runs a part depends on nothing but (parts, thread_count()). Nested calls run on the
// calling thread; calls from several threads take turns. All parts run even if some throw; the
// exception of the lowest part is then rethrown here. Throws Error(kMemory) if threads cannot be
// started.
void parallel_for(std::size_t parts, const std::function<void(std::size_t)>& task);

}  // namespace xlstm
