#include "xlstm/base/threads.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "xlstm/base/cores.h"
#include "xlstm/base/error.h"
#include "xlstm/base/thread_gate.h"

namespace xlstm {
namespace {

using Task = std::function<void(std::size_t)>;

std::atomic<std::size_t> chosen_count{0};  // 0: the default
thread_local bool inside_a_part = false;

std::size_t count_from_environment() {
  const char* text = std::getenv("XLSTM_THREADS");
  if (text == nullptr || *text == '\0') return usable_cores();
  const std::string_view value(text);
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error != std::errc() || end != value.data() + value.size() || count == 0 ||
      count > kMostThreads) {
    fail_wanted(ErrorKind::kUsage, "XLSTM_THREADS", str("a whole number from 1 to ", kMostThreads),
                quoted(value));
  }
  return count;
}

// One parallel_for in progress.
struct Job {
  std::size_t parts = 0;
  std::size_t threads = 0;  // that take a share
  const Task* task = nullptr;

  std::mutex mutex;
  std::exception_ptr error;
  std::size_t failed_part = 0;

  // All parts of one thread's share.
  void run_share(std::size_t thread) {
    // parts * thread cannot overflow in practice: a share's bounds come from quotient and
    // remainder.
    const std::size_t each = parts / threads, extra = parts % threads;
    const std::size_t begin = thread * each + std::min(thread, extra);
    const std::size_t end = begin + each + (thread < extra ? 1 : 0);
    for (std::size_t part = begin; part < end; ++part) run_part(part);
  }

  void run_part(std::size_t part) {
    try {
      (*task)(part);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (error == nullptr || part < failed_part) {
        error = std::current_exception();
        failed_part = part;
      }
    }
  }
};

// Threads that sleep between jobs. The caller of run() is thread 0 of each job.
class Pool {
 public:
  void run(std::size_t threads, Job& job) {
    const std::lock_guard turn(turn_);
    resize(threads);
    job.threads = std::min(job.parts, threads);
    job_ = &job;
    unfinished_.store(job.threads - 1);
    // Workers learn from this one word whether they are wanted, so that one that is not never
    // touches a job that may be gone.
    const std::uint64_t number = (call_.load() >> kShift) + 1;
    call_.store((number << kShift) | job.threads);
    start_.wake();
    inside_a_part = true;
    job.run_share(0);
    inside_a_part = false;
    done_.wait([&] { return unfinished_.load() == 0; });
  }

  // Waits until no job runs.
  void wait_until_idle() { const std::lock_guard turn(turn_); }

 private:
  static constexpr int kShift = 16;
  static constexpr std::uint64_t kQuit = 0xFFFF;  // in place of the number of threads wanted
  static_assert(kMostThreads < kQuit);

  void resize(std::size_t threads) {
    if (workers_.size() + 1 == threads) return;
    stop();
    try {
      for (std::size_t i = 1; i < threads; ++i) {
        workers_.emplace_back([this, i, seen = call_.load()] { work(i, seen); });
      }
    } catch (const std::system_error& error) {
      stop();
      fail_wanted(ErrorKind::kMemory, "threads", str(threads, " for kernels"),
                  str("\"", error.what(),
                      "\" from the system: set fewer with --threads or "
                      "XLSTM_THREADS"));
    }
  }

  void stop() {
    if (workers_.empty()) return;
    call_.store((((call_.load() >> kShift) + 1) << kShift) | kQuit);
    start_.wake();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  void work(std::size_t thread, std::uint64_t seen) {
    inside_a_part = true;
    for (;;) {
      start_.wait([&] { return call_.load() != seen; });
      seen = call_.load();
      const std::uint64_t wanted = seen & ((std::uint64_t{1} << kShift) - 1);
      if (wanted == kQuit) return;
      if (thread >= wanted) continue;
      job_->run_share(thread);
      if (unfinished_.fetch_sub(1) == 1) done_.wake();
    }
  }

  std::mutex turn_;
  std::vector<std::thread> workers_;  // thread i + 1 of a job
  Job* job_ = nullptr;
  alignas(64) std::atomic<std::uint64_t> call_{
      0};  // the job's number, and how many threads it wants
  alignas(64) std::atomic<std::size_t> unfinished_{0};
  Gate start_, done_;
};

// Never destroyed: a process may exit while a kernel runs on another of its threads.
Pool& pool() {
  static Pool& the_pool = *new Pool;
  return the_pool;
}

}  // namespace

std::size_t thread_count() {
  const std::size_t chosen = chosen_count.load(std::memory_order_relaxed);
  if (chosen != 0) return chosen;
  static const std::size_t kDefault = count_from_environment();
  return kDefault;
}

void set_thread_count(std::size_t threads) {
  if (threads > kMostThreads) {
    fail_wanted(ErrorKind::kUsage, "threads", str("at most ", kMostThreads), str(threads));
  }
  pool().wait_until_idle();
  chosen_count.store(threads);
}

void parallel_for(std::size_t parts, const std::function<void(std::size_t)>& task) {
  const std::size_t threads = inside_a_part || parts < 2 ? 1 : thread_count();
  Job job;
  job.parts = parts;
  job.threads = 1;
  job.task = &task;
  if (threads == 1) {
    job.run_share(0);
  } else {
    pool().run(threads, job);
  }
  if (job.error != nullptr) std::rethrow_exception(job.error);
}

}  // namespace xlstm
