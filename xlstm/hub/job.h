// Work on other threads, and the caller's thread that watches it: all of a caller's callbacks are
// called by the thread that called us, and stop the work when they say so or throw.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "xlstm/hub/hub.h"

namespace xlstm {

// Thrown through the work when it shall end early; who asked for that knows why.
struct Stopped {};

class Job {
 public:
  explicit Job(const HubOptions& options) : options_(options) {}
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  // Runs `work` on a thread of its own until it ends, meanwhile the callbacks on this one. Throws
  // what it threw, or a callback, or Error(kCancelled).
  void run(const std::function<void()>& work);

  // Does all i < count, on several threads: each asks for a worker of its own once, and then calls
  // it with one i after another. The first exception stops all and is thrown. For the work alone.
  using Worker = std::function<void(std::size_t)>;
  void each(std::size_t count, const std::function<Worker()>& make_worker);

  const std::atomic<bool>& stop_flag() const { return stop_; }
  void throw_if_stopped() const;
  void wait(std::chrono::milliseconds time);  // throws Stopped
  void note(std::string sentence);
  std::chrono::milliseconds first_retry_wait() const { return options_.first_retry_wait; }

  // The files that the progress is of; `done` bytes of each are there already. What was received
  // for earlier ones stays counted.
  void begin_files(std::vector<FileProgress> files);
  void set_done(std::size_t file, std::uint64_t done);       // bytes that are here
  void add_received(std::size_t file, std::uint64_t count);  // that came over the network
  void set_complete(std::size_t file, std::uint64_t size);

 private:
  void watch();
  void tell(std::unique_lock<std::mutex>& lock);
  void stop();

  const HubOptions& options_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  bool ended_ = false;
  bool has_progress_ = false;
  std::deque<std::string> notices_;
  FetchProgress progress_;
};

}  // namespace xlstm
