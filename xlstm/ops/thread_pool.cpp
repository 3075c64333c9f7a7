#include "xlstm/ops/thread_pool.h"

#include <memory>
#include <mutex>

namespace xlstm::ops {
namespace {

// Never destroyed: a process may exit while a kernel runs on another of its threads.
struct Current {
  std::mutex mutex;
  std::size_t chosen = 0;
  std::unique_ptr<ThreadPool> pool;
};

Current& current() {
  static Current& the_current = *new Current;
  return the_current;
}

}  // namespace

ThreadPool& thread_pool() {
  Current& now = current();
  const std::lock_guard lock(now.mutex);
  if (now.pool == nullptr) now.pool = std::make_unique<ThreadPool>(now.chosen);
  return *now.pool;
}

Profile& profile() {
  static Profile& the_profile = *new Profile;
  return the_profile;
}

void set_thread_count(std::size_t threads) {
  auto next = threads > 0 ? std::make_unique<ThreadPool>(threads) : nullptr;
  Current& now = current();
  const std::lock_guard lock(now.mutex);
  now.chosen = threads;
  now.pool = std::move(next);
}

std::size_t chosen_thread_count() {
  Current& now = current();
  const std::lock_guard lock(now.mutex);
  return now.chosen;
}

}  // namespace xlstm::ops
