#include "xlstm/hub/job.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <thread>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::chrono::milliseconds kLook{100};  // how often the caller is asked
constexpr std::size_t kThreads = 4;              // that fetch files

// Signals are for the threads of the program; SIGPIPE of a connection that broke is for nobody.
void block_signals() {
  sigset_t signals;
  sigfillset(&signals);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&signals, number);
  pthread_sigmask(SIG_SETMASK, &signals, nullptr);
}

class JoinedThread {
 public:
  explicit JoinedThread(std::function<void()> work)
      : thread_([work = std::move(work)] {
          block_signals();
          work();
        }) {}
  JoinedThread(JoinedThread&&) noexcept = default;
  ~JoinedThread() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

// The first exception of several threads; one that only says that it was stopped comes last.
class FirstError {
 public:
  void take() {
    const std::lock_guard lock(mutex_);
    try {
      throw;
    } catch (const Stopped&) {
      if (!error_) error_ = std::current_exception(), only_stopped_ = true;
    } catch (...) {
      if (!error_ || only_stopped_) error_ = std::current_exception(), only_stopped_ = false;
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
  bool only_stopped_ = false;
};

}  // namespace

void Job::run(const std::function<void()>& work) {
  FirstError error;
  std::exception_ptr from_callback;
  {
    const JoinedThread thread([&] {
      try {
        work();
      } catch (...) {
        error.take();
      }
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    });
    try {
      watch();
    } catch (...) {
      from_callback = std::current_exception();
      stop();
    }
  }
  if (from_callback) std::rethrow_exception(from_callback);
  error.rethrow();
}

// Until the work has ended; a last look shows how it did.
void Job::watch() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_for(lock, kLook, [&] { return ended_ || !notices_.empty(); });
    const bool was_end = ended_;
    tell(lock);
    if (was_end) return;
    lock.unlock();
    if (options_.cancelled && options_.cancelled()) {
      fail(ErrorKind::kCancelled, "hub", kFetchStopped);
    }
    lock.lock();
  }
}

void Job::tell(std::unique_lock<std::mutex>& lock) {
  std::deque<std::string> notices;
  notices.swap(notices_);
  const FetchProgress progress = progress_;
  const bool has_progress = has_progress_;
  lock.unlock();
  if (options_.on_notice) {
    for (const std::string& notice : notices) options_.on_notice(notice);
  }
  if (has_progress && options_.on_progress) options_.on_progress(progress);
  lock.lock();
}

void Job::stop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  changed_.notify_all();
}

void Job::each(std::size_t count, const std::function<Worker()>& make_worker) {
  FirstError error;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    try {
      Worker worker;
      for (std::size_t i = next++; i < count; i = next++) {
        throw_if_stopped();
        if (!worker) worker = make_worker();
        worker(i);
      }
    } catch (...) {
      error.take();
      stop();
    }
  };
  {
    std::vector<JoinedThread> threads;
    try {
      for (std::size_t i = 1; i < std::min(count, kThreads); ++i) threads.emplace_back(work);
    } catch (const std::system_error&) {  // fewer threads do it, too
    }
    work();
  }
  error.rethrow();
}

void Job::throw_if_stopped() const {
  if (stop_) throw Stopped();
}

void Job::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [&] { return stop_.load(); });
  throw_if_stopped();
}

void Job::note(std::string sentence) {
  const std::lock_guard lock(mutex_);
  notices_.push_back(std::move(sentence));
  changed_.notify_all();
}

void Job::begin_files(std::vector<FileProgress> files) {
  const std::lock_guard lock(mutex_);
  progress_ = {.files = {}, .size = 0, .done = 0, .received = progress_.received};
  for (const FileProgress& file : files) {
    progress_.done += file.done;
    progress_.size =
        file.size && progress_.size ? std::optional(*progress_.size + *file.size) : std::nullopt;
  }
  progress_.files = std::move(files);
  has_progress_ = true;
}

void Job::set_done(std::size_t file, std::uint64_t done) {
  const std::lock_guard lock(mutex_);
  progress_.done = progress_.done - progress_.files[file].done + done;
  progress_.files[file].done = done;
}

void Job::add_received(std::size_t file, std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  progress_.done += count;
  progress_.files[file].done += count;
  progress_.received += count;
}

void Job::set_complete(std::size_t file, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  FileProgress& of = progress_.files[file];
  progress_.done = progress_.done - of.done + size;
  if (progress_.size) *progress_.size += size - of.size.value_or(0);
  of.done = size;
  of.size = size;
  of.complete = true;
}

}  // namespace xlstm
