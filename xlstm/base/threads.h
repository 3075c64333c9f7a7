// One pool of threads for all kernels.
#pragma once

#include <cstddef>
#include <functional>

namespace xlstm {

// How many threads kernels use: set_thread_count(), else the environment variable XLSTM_THREADS,
// else the number of cores this process may run on. At least 1.
std::size_t thread_count();

// Changes it (0: back to the default). Not while a kernel runs.
void set_thread_count(std::size_t threads);

// Calls task(part) for each part in [0, parts), at most thread_count() at a time, the caller taking
// its share, and returns when all are done. Parts are dealt statically: which thread runs a part
// depends on nothing but (parts, thread_count()). Nested calls run on the calling thread.
// The first exception a part throws is rethrown here after all parts have ended.
void parallel_for(std::size_t parts, const std::function<void(std::size_t)>& task);

}  // namespace xlstm
