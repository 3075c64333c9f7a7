// Waiting for another thread: a short spin, then sleep.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace xlstm {

// Threads wait() until a condition on sequentially consistent atomics holds; whoever makes it hold
// calls wake() afterwards, which costs one load unless somebody sleeps. Nobody ever waits for a
// thread that waits here: it holds no lock, so the system may keep it from running wherever it is.
class SpinEvent {
 public:
  template <typename Condition>
  void wait(const Condition& ready) {
    if (spin(ready)) return;
    for (;;) {
      // The mark comes before the last look at `ready`: either that look sees the change, or wake()
      // sees the mark and changes the word, after which nobody falls asleep on the old one.
      const std::uint32_t word = word_.fetch_or(kSomebodySleeps) | kSomebodySleeps;
      if (ready()) return;
      word_.wait(word);
    }
  }

  void wake() {
    std::uint32_t word = word_.load();
    if ((word & kSomebodySleeps) == 0) return;
    // If another thread was quicker, it woke all that slept.
    if (word_.compare_exchange_strong(word, word + 1)) word_.notify_all();
  }

 private:
  // Kernels follow each other within microseconds; to be woken from sleep takes tens of them.
  static constexpr std::chrono::microseconds kSpin{30};
  static constexpr int kLooksPerClock = 32;

  // Tells a processor that this thread only looks, so that it leaves memory and core to others. The
  // thread does not yield to the system: on a busy one that gives the rest of its turn away, some
  // milliseconds, where a microsecond was wanted.
  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#else
    std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
  }

  template <typename Condition>
  static bool spin(const Condition& ready) {
    const auto end = std::chrono::steady_clock::now() + kSpin;
    do {
      for (int look = 0; look < kLooksPerClock; ++look) {
        if (ready()) return true;
        pause();
      }
    } while (std::chrono::steady_clock::now() < end);
    return false;
  }

  // The lowest bit: somebody sleeps, or is about to. The others count the times they were woken.
  static constexpr std::uint32_t kSomebodySleeps = 1;
  std::atomic<std::uint32_t> word_{0};
};

}  // namespace xlstm
