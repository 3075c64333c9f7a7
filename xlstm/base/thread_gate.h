// Waiting for another thread: a short spin, then sleep.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace xlstm {

// Threads wait() until a condition on sequentially consistent atomics holds; whoever makes it hold
// calls wake() afterwards, which costs one load unless somebody sleeps.
class Gate {
 public:
  template <typename Condition>
  void wait(const Condition& ready) {
    if (spin(ready)) return;
    std::unique_lock lock(mutex_);
    // Counted before `ready` is looked at again: either that look sees the change, or wake() sees
    // us.
    sleepers_.fetch_add(1);
    changed_.wait(lock, ready);
    sleepers_.fetch_sub(1);
  }

  void wake() {
    if (sleepers_.load() == 0) return;
    { const std::lock_guard lock(mutex_); }  // nobody is between its look and its sleep now
    changed_.notify_all();
  }

 private:
  // Kernels follow each other within microseconds; to be woken from sleep takes tens of them.
  static constexpr std::chrono::microseconds kSpin{30};
  static constexpr int kLooksPerClock = 32;

  template <typename Condition>
  static bool spin(const Condition& ready) {
    const auto end = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int look = 0; look < kLooksPerClock; ++look) {
        if (ready()) return true;
        std::atomic_signal_fence(std::memory_order_seq_cst);
      }
      // On a machine with more threads than cores, the one we wait for may need this core.
      std::this_thread::yield();
    } while (std::chrono::steady_clock::now() < end);
    return false;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> sleepers_{0};
};

}  // namespace xlstm
