// One pool of threads for all kernels.
#pragma once

#include <cstddef>
#include <functional>

namespace xlstm {

inline constexpr std::size_t kMostThreads = 1024;
inline constexpr std::size_t kAllThreads = static_cast<std::size_t>(-1);

// How many threads kernels use: set_thread_count(), else the environment variable XLSTM_THREADS
// (Error(kUsage) if it is no whole number from 1 to kMostThreads), else the number of cores this
// process may run on. At least 1.
std::size_t thread_count();

// What set_thread_count() was told last; 0: nothing, or the default.
std::size_t chosen_thread_count();

// Changes it (0: back to the default). Waits for a running kernel; not from inside of one. Throws
// Error(kUsage) above kMostThreads.
void set_thread_count(std::size_t threads);

// Calls task(part) for each part in [0, parts) on min(thread_count(), most_threads) threads, the
// caller being one, and returns when all are done. Parts are dealt statically, in runs of
// neighbours that depend on nothing but the numbers of parts and of threads, and each thread begins
// with its own run: what it left in its caches the last time is there again. A thread that is done
// then takes parts of the others' runs that nobody has begun, so that a thread which the system
// does not let run, or runs on a slower core, is waited for at most as long as the part takes that
// it is in. What a part computes must therefore not depend on which thread runs it, or on the parts
// that this thread ran before. Nested calls run on the calling thread; calls from several threads
// take turns. All parts run even if some throw; the exception of the lowest part is then rethrown
// here. Throws Error(kMemory) if threads cannot be started.
void parallel_for(std::size_t parts, const std::function<void(std::size_t)>& task,
                  std::size_t most_threads = kAllThreads);

}  // namespace xlstm
