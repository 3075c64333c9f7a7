// Threads that share the work of kernels, and the scratch memory that they work in.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "xlstm/base/scratch.h"

namespace xlstm {

inline constexpr std::size_t kMostThreads = 1024;
inline constexpr std::size_t kAllThreads = static_cast<std::size_t>(-1);

// The environment variable XLSTM_THREADS (Error(kUsage) if it is no whole number from 1 to
// kMostThreads), else the number of cores this process may run on. At least 1.
std::size_t default_thread_count();

// A value that whoever runs kernels owns. Pools know nothing of each other: several can work at the
// same time, and a task of one may use another, but not so that two pools wait for each other.
class ThreadPool {
 public:
  // `threads` of 0: default_thread_count(). Throws Error(kUsage) above kMostThreads. The operating
  // system's threads are started when first needed.
  explicit ThreadPool(std::size_t threads = 0);
  ~ThreadPool();  // nobody else may be using the pool; joins its threads
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Threads, the caller of parallel_for() included. At least 1.
  std::size_t size() const { return size_; }

  // Calls task(i) for each i in [0, tasks) on min(size(), most_threads) threads, the caller being
  // one, and returns when all are done. Tasks are partitioned statically, into ranges of neighbours
  // that depend on nothing but the numbers of tasks and of threads, and each thread begins with its
  // own range: what it left in its caches the last time is there again. A thread that is done then
  // takes tasks of the others' ranges that nobody has begun, so that a thread which the system does
  // not let run, or runs on a slower core, is waited for at most as long as the task takes that it
  // is in. What a task computes must therefore not depend on which thread runs it, or on the tasks
  // that this thread ran before. Nested calls run on the calling thread; calls from several threads
  // take turns. All tasks run even if some throw; the exception of the lowest task is then rethrown
  // here. Throws Error(kMemory) if threads cannot be started.
  void parallel_for(std::size_t tasks, const std::function<void(std::size_t)>& task,
                    std::size_t most_threads = kAllThreads);

  // Memory for as long as the lease lives, which the pool keeps afterwards. Any thread may ask.
  // Throws Error(kMemory), which names `where`.
  ScratchLease scratch(std::size_t bytes, std::string_view where) {
    return scratch_.lease(bytes, where);
  }
  ScratchLease scratch_floats(std::size_t count, std::string_view where) {
    return scratch_.lease(count * sizeof(float), where);
  }

 private:
  class Workers;

  std::size_t size_;
  ScratchPool scratch_;
  std::unique_ptr<Workers> workers_;
};

}  // namespace xlstm
