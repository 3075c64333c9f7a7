#include "xlstm/base/threads.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
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
  const Task* task = nullptr;

  std::mutex mutex;
  std::exception_ptr error;
  std::size_t failed_part = 0;

  void run(std::size_t begin, std::size_t end) {
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

// How the parts of a job are dealt: in pieces, of one part each unless there are very many, and to
// each thread a share, a run of neighbouring pieces.
class Deal {
 public:
  static constexpr std::size_t kMostPieces = 0xFFFF;

  Deal(std::size_t parts, std::size_t threads)
      : parts_(parts),
        parts_a_piece_(1 + parts / kMostPieces),
        pieces_(parts / parts_a_piece_ + (parts % parts_a_piece_ != 0 ? 1 : 0)),
        shares_(std::min(pieces_, threads)),
        least_(pieces_ / shares_),
        larger_shares_(pieces_ % shares_) {}

  std::size_t pieces() const { return pieces_; }
  std::size_t shares() const { return shares_; }
  // Pieces in one share, and the end of their run.
  std::size_t size(std::size_t share) const { return least_ + (share < larger_shares_ ? 1 : 0); }
  std::size_t end(std::size_t share) const {
    return (share + 1) * least_ + std::min(share + 1, larger_shares_);
  }
  void run(Job& job, std::size_t piece) const {
    const std::size_t begin = piece * parts_a_piece_;
    job.run(begin, begin + std::min(parts_a_piece_, parts_ - begin));
  }

 private:
  std::size_t parts_, parts_a_piece_, pieces_, shares_;
  std::size_t least_, larger_shares_;
};

// Threads that sleep between jobs. The caller of run() is thread 0 of each job.
//
// A job ends when all of its pieces have been run, by whomever, so a thread that the system keeps
// from running may come to it late, and must then find nothing to take: neither the job nor what
// the pool says of the next one is its business. What guards it is that a piece is claimed in a
// word that carries the job's number. A claim that succeeds proves that the job has not ended, and
// will not until the claimant has reported its pieces; all that was read of the job on the way was
// true.
class Pool {
 public:
  // On the first `shares` of `threads` threads.
  void run(std::size_t threads, std::size_t shares, Job& job) {
    const std::lock_guard turn(turn_);
    resize(threads);
    const Deal deal(job.parts, shares);
    job_.store(&job, std::memory_order_relaxed);
    parts_.store(job.parts, std::memory_order_relaxed);
    unfinished_.store(deal.pieces());
    const std::uint64_t call = (((call_.load() >> kShift) + 1) << kShift) | deal.shares();
    call_.store(call);
    start_.wake();
    inside_a_part = true;
    take_part(0, call);
    inside_a_part = false;
    done_.wait([&] { return unfinished_.load() == 0; });
  }

  // Waits until no job runs.
  void wait_until_idle() { const std::lock_guard turn(turn_); }

 private:
  // Words that carry the number of a job above, and below how many shares it has, or how many
  // pieces of a share nobody has claimed.
  static constexpr int kShift = 16;
  static constexpr std::uint64_t kMask = (std::uint64_t{1} << kShift) - 1;
  static constexpr std::uint64_t kQuit = kMask;  // in place of the number of shares
  static_assert(kMostThreads < kQuit && Deal::kMostPieces <= kMask);

  // As its last claimant left it: one of an earlier job stands for a share that is still whole, so
  // that a new job need not touch what its threads keep in their caches.
  struct alignas(64) Share {
    std::atomic<std::uint64_t> word{0};
  };

  void resize(std::size_t threads) {
    if (workers_.size() + 1 == threads) return;
    stop();
    try {
      shares_ = std::make_unique<Share[]>(threads);
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
      const std::uint64_t shares = seen & kMask;
      if (shares == kQuit) return;
      if (thread < shares) take_part(thread, seen);
    }
  }

  // The thread's own share, then what others have not come to yet.
  void take_part(std::size_t thread, std::uint64_t call) {
    const std::size_t shares = call & kMask;
    const Deal deal(parts_.load(std::memory_order_relaxed), shares);
    for (std::size_t i = 0; i < shares && call_.load() == call; ++i) {
      const std::size_t share = thread + i;
      run_share(deal, share < shares ? share : share - shares, call >> kShift);
    }
  }

  void run_share(const Deal& deal, std::size_t share, std::uint64_t number) {
    std::size_t ran = 0;
    while (const std::size_t left = claim(shares_[share].word, number, deal.size(share))) {
      deal.run(*job_.load(std::memory_order_relaxed), deal.end(share) - left);
      ++ran;
    }
    if (ran > 0 && unfinished_.fetch_sub(ran) == ran) done_.wake();
  }

  // How many pieces of a share of `size` nobody had claimed, of which the first is the claimant's
  // now. 0 if there was none, or the job has ended. `size` is not looked at once a piece has been
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

  std::mutex turn_;
  std::vector<std::thread> workers_;                // thread i + 1 of a job
  std::unique_ptr<Share[]> shares_;                 // one for each thread
  alignas(64) std::atomic<std::uint64_t> call_{0};  // the job's number and shares
  std::atomic<Job*> job_{nullptr};
  std::atomic<std::size_t> parts_{0};
  alignas(64) std::atomic<std::size_t> unfinished_{0};  // pieces
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

std::size_t chosen_thread_count() {
  return chosen_count.load(std::memory_order_relaxed);
}

void set_thread_count(std::size_t threads) {
  if (threads > kMostThreads) {
    fail_wanted(ErrorKind::kUsage, "threads", str("at most ", kMostThreads), str(threads));
  }
  pool().wait_until_idle();
  chosen_count.store(threads);
}

void parallel_for(std::size_t parts, const std::function<void(std::size_t)>& task,
                  std::size_t most_threads) {
  const std::size_t all = inside_a_part || parts < 2 ? 1 : thread_count();
  const std::size_t threads = std::min(all, most_threads);
  Job job;
  job.parts = parts;
  job.task = &task;
  if (threads < 2) {
    job.run(0, parts);
  } else {
    pool().run(all, threads, job);
  }
  if (job.error != nullptr) std::rethrow_exception(job.error);
}

}  // namespace xlstm
