#include "xlstm/base/thread_pool.h"

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
#include "xlstm/base/spin_event.h"

namespace xlstm {
namespace {

using Task = std::function<void(std::size_t)>;

// One parallel_for in progress.
struct Job {
  std::size_t tasks = 0;
  const Task* task = nullptr;

  std::mutex mutex;
  std::exception_ptr error;
  std::size_t failed_task = 0;

  void run(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) run_task(i);
  }

  void run_task(std::size_t i) {
    try {
      (*task)(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (error == nullptr || i < failed_task) {
        error = std::current_exception();
        failed_task = i;
      }
    }
  }
};

// How the tasks of a job are divided: into chunks, of one task each unless there are very many, and
// for each thread a range of neighbouring chunks.
class Partition {
 public:
  static constexpr std::size_t kMostChunks = 0xFFFF;

  Partition(std::size_t tasks, std::size_t threads)
      : tasks_(tasks),
        tasks_per_chunk_(1 + tasks / kMostChunks),
        chunks_(tasks / tasks_per_chunk_ + (tasks % tasks_per_chunk_ != 0 ? 1 : 0)),
        ranges_(std::min(chunks_, threads)),
        least_(chunks_ / ranges_),
        larger_ranges_(chunks_ % ranges_) {}

  std::size_t chunks() const { return chunks_; }
  std::size_t ranges() const { return ranges_; }
  // Chunks of one range, and its end.
  std::size_t size(std::size_t range) const { return least_ + (range < larger_ranges_ ? 1 : 0); }
  std::size_t end(std::size_t range) const {
    return (range + 1) * least_ + std::min(range + 1, larger_ranges_);
  }
  void run(Job& job, std::size_t chunk) const {
    const std::size_t begin = chunk * tasks_per_chunk_;
    job.run(begin, begin + std::min(tasks_per_chunk_, tasks_ - begin));
  }

 private:
  std::size_t tasks_, tasks_per_chunk_, chunks_, ranges_;
  std::size_t least_, larger_ranges_;
};

}  // namespace

// Threads that sleep between jobs. The caller of run() is thread 0 of each job.
//
// A job ends when all of its chunks have been run, by whomever, so a thread that the system keeps
// from running may come to it late, and must then find nothing to take: neither the job nor what
// the pool says of the next one is its business. What guards it is that a chunk is claimed in a
// word that carries the job's number. A claim that succeeds proves that the job has not ended, and
// will not until the claimant has reported its chunks; all that was read of the job on the way was
// true.
class ThreadPool::Workers {
 public:
  explicit Workers(std::size_t threads)
      : threads_(threads), remaining_(std::make_unique<Remaining[]>(threads)) {}
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // On the first `ranges` threads.
  void run(std::size_t ranges, Job& job) {
    const std::lock_guard turn(turn_);
    start();
    const Partition partition(job.tasks, ranges);
    job_.store(&job, std::memory_order_relaxed);
    tasks_.store(job.tasks, std::memory_order_relaxed);
    unfinished_.store(partition.chunks());
    const std::uint64_t call = (((call_.load() >> kShift) + 1) << kShift) | partition.ranges();
    call_.store(call);
    begin_.wake();
    caller_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    take_part(0, call);
    caller_.store(std::thread::id(), std::memory_order_relaxed);
    end_.wait([&] { return unfinished_.load() == 0; });
  }

  // Whether the calling thread is in a task of this pool's. Only that thread itself changes the
  // answer, so that relaxed loads see it; a worker sees `ids_` because it was given its first job
  // after they were there.
  bool in_parallel_region() const {
    const std::thread::id me = std::this_thread::get_id();
    if (caller_.load(std::memory_order_relaxed) == me) return true;
    return started_.load(std::memory_order_acquire) &&
           std::binary_search(ids_.begin(), ids_.end(), me);
  }

 private:
  // Words that carry the number of a job above, and below how many ranges it has, or how many
  // chunks of a range nobody has claimed.
  static constexpr int kShift = 16;
  static constexpr std::uint64_t kMask = (std::uint64_t{1} << kShift) - 1;
  static constexpr std::uint64_t kQuit = kMask;  // in place of the number of ranges
  static_assert(kMostThreads < kQuit && Partition::kMostChunks <= kMask);

  // Of one range, as its last claimant left it: a word of an earlier job stands for a range that is
  // still whole, so that a new job need not touch what its threads keep in their caches.
  struct alignas(64) Remaining {
    std::atomic<std::uint64_t> word{0};
  };

  void start() {
    if (started_.load(std::memory_order_relaxed)) return;
    workers_.reserve(threads_ - 1);
    ids_.reserve(threads_ - 1);
    try {
      for (std::size_t i = 1; i < threads_; ++i) {
        workers_.emplace_back([this, i, seen = call_.load()] { work(i, seen); });
        ids_.push_back(workers_.back().get_id());
      }
    } catch (const std::system_error& error) {
      stop();
      fail_wanted(ErrorKind::kMemory, "threads", str(threads_, " for kernels"),
                  str("\"", error.what(),
                      "\" from the system: set fewer with --threads or "
                      "XLSTM_THREADS"));
    }
    std::sort(ids_.begin(), ids_.end());
    started_.store(true, std::memory_order_release);
  }

  void stop() {
    if (workers_.empty()) return;
    call_.store((((call_.load() >> kShift) + 1) << kShift) | kQuit);
    begin_.wake();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    ids_.clear();
  }

  void work(std::size_t thread, std::uint64_t seen) {
    for (;;) {
      begin_.wait([&] { return call_.load() != seen; });
      seen = call_.load();
      const std::uint64_t ranges = seen & kMask;
      if (ranges == kQuit) return;
      if (thread < ranges) take_part(thread, seen);
    }
  }

  // The thread's own range, then what others have not come to yet.
  void take_part(std::size_t thread, std::uint64_t call) {
    const std::size_t ranges = call & kMask;
    const Partition partition(tasks_.load(std::memory_order_relaxed), ranges);
    for (std::size_t i = 0; i < ranges && call_.load() == call; ++i) {
      const std::size_t range = thread + i;
      run_range(partition, range < ranges ? range : range - ranges, call >> kShift);
    }
  }

  void run_range(const Partition& partition, std::size_t range, std::uint64_t number) {
    std::size_t ran = 0;
    while (const std::size_t left = claim(remaining_[range].word, number, partition.size(range))) {
      partition.run(*job_.load(std::memory_order_relaxed), partition.end(range) - left);
      ++ran;
    }
    if (ran > 0 && unfinished_.fetch_sub(ran) == ran) end_.wake();
  }

  // How many chunks of a range of `size` nobody had claimed, of which the first is the claimant's
  // now. 0 if there was none, or the job has ended. `size` is not looked at once a chunk has been
  // claimed: it may then be another job's.
  static std::size_t claim(std::atomic<std::uint64_t>& word, std::uint64_t number,
                           std::size_t size) {
    std::uint64_t now = word.load();
    for (;;) {
      const std::uint64_t last = now >> kShift;
      if (last > number) return 0;
      const std::size_t left = last == number ? now & kMask : size;
      if (left == 0) return 0;
      if (word.compare_exchange_weak(now, (number << kShift) | (left - 1))) return left;
    }
  }

  const std::size_t threads_;
  std::mutex turn_;
  std::vector<std::thread> workers_;                // thread i + 1 of a job
  std::vector<std::thread::id> ids_;                // theirs, sorted
  std::atomic<bool> started_{false};                // workers_ and ids_ stay as they are
  std::unique_ptr<Remaining[]> remaining_;          // one for each thread
  std::atomic<std::thread::id> caller_{};           // while it runs tasks
  alignas(64) std::atomic<std::uint64_t> call_{0};  // the job's number and ranges
  std::atomic<Job*> job_{nullptr};
  std::atomic<std::size_t> tasks_{0};
  alignas(64) std::atomic<std::size_t> unfinished_{0};  // chunks
  SpinEvent begin_, end_;
};

std::size_t default_thread_count() {
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

ThreadPool::ThreadPool(std::size_t threads)
    : size_(threads > 0 ? threads : default_thread_count()) {
  if (size_ > kMostThreads) {
    fail_wanted(ErrorKind::kUsage, "threads", str("at most ", kMostThreads), str(size_));
  }
  workers_ = std::make_unique<Workers>(size_);
}

ThreadPool::~ThreadPool() = default;

void ThreadPool::parallel_for(std::size_t tasks, const std::function<void(std::size_t)>& task,
                              std::size_t most_threads) {
  const std::size_t threads = std::min({tasks, size_, most_threads});
  Job job;
  job.tasks = tasks;
  job.task = &task;
  if (threads < 2 || workers_->in_parallel_region()) {
    job.run(0, tasks);
  } else {
    workers_->run(threads, job);
  }
  if (job.error != nullptr) std::rethrow_exception(job.error);
}

}  // namespace xlstm
