// A pool whose workers wait for the next job by spinning for a few microseconds and then parking.
//
// A decode step is a chain of kernels, each some ten to a thousand microseconds long, so the next
// job usually comes while the workers still spin and starts within a cache-line hand-over.
#include "xlstm/base/threads.h"

#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "xlstm/base/cores.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::size_t kMostThreads = 1024;
constexpr int kSpins = 4000;  // about 10 microseconds of pauses

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Returns once `value` is no longer `old`.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}

thread_local bool inside_a_part = false;

class Pool {
 public:
  explicit Pool(std::size_t threads) {
    for (std::size_t i = 1; i < threads; ++i) {
      workers_.emplace_back([this, i] { work(i); });
    }
  }

  ~Pool() {
    task_ = nullptr;
    job_.fetch_add(1, std::memory_order_release);
    job_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  std::size_t threads() const { return workers_.size() + 1; }

  void run(std::size_t parts, const std::function<void(std::size_t)>& task) {
    task_ = &task;
    parts_ = parts;
    busy_.store(static_cast<std::uint32_t>(workers_.size()), std::memory_order_relaxed);
    job_.fetch_add(1, std::memory_order_release);
    job_.notify_all();
    run_share(0);
    for (std::uint32_t left = busy_.load(std::memory_order_acquire); left != 0;
         left = busy_.load(std::memory_order_acquire)) {
      wait_for_change(busy_, left);
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  void work(std::size_t index) {
    std::uint32_t seen = 0;
    while (true) {
      wait_for_change(job_, seen);
      ++seen;
      if (task_ == nullptr) return;
      run_share(index);
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
  }

  // Thread `index` runs parts index, index + threads, ...
  void run_share(std::size_t index) {
    inside_a_part = true;
    for (std::size_t part = index; part < parts_; part += threads()) {
      try {
        (*task_)(part);
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
    inside_a_part = false;
  }

  std::vector<std::thread> workers_;
  const std::function<void(std::size_t)>* task_ = nullptr;
  std::size_t parts_ = 0;
  alignas(64) std::atomic<std::uint32_t> job_{0};   // counts jobs; a change starts one
  alignas(64) std::atomic<std::uint32_t> busy_{0};  // workers that have not ended this job
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

std::size_t threads_from_environment() {
  const char* const text = std::getenv("XLSTM_THREADS");
  if (text == nullptr || *text == '\0') return usable_cores();
  std::size_t threads = 0;
  const char* const end = text + std::strlen(text);
  const auto [next, error] = std::from_chars(text, end, threads);
  if (error != std::errc() || next != end || threads < 1 || threads > kMostThreads) {
    fail_wanted(ErrorKind::kUsage, "XLSTM_THREADS", str("a number from 1 to ", kMostThreads),
                quoted(text));
  }
  return threads;
}

std::mutex pool_mutex;  // one job at a time: a second caller waits
std::unique_ptr<Pool> pool;
std::atomic<std::size_t> wanted_threads{0};  // 0: not decided yet

}  // namespace

std::size_t thread_count() {
  std::size_t threads = wanted_threads.load(std::memory_order_relaxed);
  if (threads != 0) return threads;
  threads = threads_from_environment();
  wanted_threads.store(threads, std::memory_order_relaxed);
  return threads;
}

void set_thread_count(std::size_t threads) {
  if (threads > kMostThreads) {
    fail_wanted(ErrorKind::kUsage, "threads", str("at most ", kMostThreads), str(threads));
  }
  wanted_threads.store(threads, std::memory_order_relaxed);
}

void parallel_for(std::size_t parts, const std::function<void(std::size_t)>& task) {
  const std::size_t threads = thread_count();
  if (parts < 2 || threads < 2 || inside_a_part) {
    for (std::size_t part = 0; part < parts; ++part) task(part);
    return;
  }
  const std::lock_guard lock(pool_mutex);
  if (pool == nullptr || pool->threads() != threads) {
    pool.reset();
    pool = std::make_unique<Pool>(threads);
  }
  pool->run(parts, task);
}

}  // namespace xlstm
