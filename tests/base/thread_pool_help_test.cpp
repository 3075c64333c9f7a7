// Threads that the system does not let run: their parts are taken by others, and when they come at
// last, there is nothing left for them to touch.
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "xlstm/base/thread_pool.h"

namespace xlstm {
namespace {

std::atomic<std::size_t> held{0};
int gate[2] = {-1, -1};  // a pipe: each byte lets one thread go on

void hold_back(int) {
  const int before = errno;
  held.fetch_add(1);
  char byte = 0;
  while (::read(gate[0], &byte, 1) < 0 && errno == EINTR) {
  }
  held.fetch_sub(1);
  errno = before;
}

// Keeps threads from running, wherever they are, until release().
class HeldBack {
 public:
  HeldBack(ThreadPool& pool, const std::vector<pthread_t>& threads) : count_(threads.size()) {
    if (::pipe(gate) != 0) throw std::runtime_error("no pipe");
    struct sigaction action = {};
    action.sa_handler = hold_back;
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, &before_);
    for (const pthread_t thread : threads) ::pthread_kill(thread, SIGUSR1);
    // Under ThreadSanitizer a signal is seen at the next call of the C library: a thread that
    // sleeps must be woken for that.
    while (held.load() < count_) pool.parallel_for(pool.size(), [](std::size_t) {});
  }
  ~HeldBack() {
    release();
    while (held.load() > 0) std::this_thread::yield();
    ::sigaction(SIGUSR1, &before_, nullptr);
    ::close(gate[0]);
    ::close(gate[1]);
  }
  HeldBack(const HeldBack&) = delete;
  HeldBack& operator=(const HeldBack&) = delete;

  // Does not wait until they go on.
  void release() {
    const std::string bytes(count_, 'x');
    if (::write(gate[1], bytes.data(), count_) != static_cast<long>(count_)) {
      ADD_FAILURE() << "threads stay held back";
    }
    count_ = 0;
  }

 private:
  std::size_t count_;
  struct sigaction before_ = {};
};

class ThreadPoolHelp : public testing::TestWithParam<std::size_t> {
 protected:
  ThreadPool pool_{GetParam()};

  // The pool's threads but for the caller: each runs one of as many parts, which end together.
  std::vector<pthread_t> workers() {
    std::vector<pthread_t> all(GetParam());
    std::atomic<std::size_t> begun{0};
    pool_.parallel_for(all.size(), [&](std::size_t part) {
      all[part] = ::pthread_self();
      begun.fetch_add(1);
      while (begun.load() < all.size()) std::this_thread::yield();
    });
    all.erase(all.begin());
    return all;
  }
};

// Runs `parts` parts, each of which must be run once, by `thread` if one is given.
void expect_once_each(ThreadPool& pool, std::size_t parts,
                      const std::thread::id* thread = nullptr) {
  std::vector<std::atomic<int>> runs(parts);
  std::atomic<int> others{0};
  pool.parallel_for(parts, [&](std::size_t part) {
    runs.at(part).fetch_add(1);
    if (thread != nullptr && std::this_thread::get_id() != *thread) others.fetch_add(1);
  });
  for (std::size_t part = 0; part < parts; ++part) ASSERT_EQ(runs[part].load(), 1) << part;
  ASSERT_EQ(others.load(), 0);
}

TEST_P(ThreadPoolHelp, WhoIsDoneTakesWhatNobodyHasBegun) {
  const std::size_t parts = 4 * GetParam();
  for (std::size_t slow = 0; slow < parts; slow += 4) {  // the first part of each share
    std::atomic<std::size_t> done{0};
    pool_.parallel_for(parts, [&](std::size_t part) {
      while (part == slow && done.load() < parts - 1) std::this_thread::yield();
      done.fetch_add(1);
    });
    EXPECT_EQ(done.load(), parts);
  }
}

TEST_P(ThreadPoolHelp, ThreadsThatDoNotRunAreNotWaitedFor) {
  const HeldBack all(pool_, workers());
  const std::thread::id caller = std::this_thread::get_id();
  for (const std::size_t parts : {std::size_t{2}, GetParam(), 4 * GetParam(), std::size_t{1000}}) {
    expect_once_each(pool_, parts, &caller);
  }
}

TEST_P(ThreadPoolHelp, OneThreadThatDoesNotRunIsNotWaitedFor) {
  for (const pthread_t worker : workers()) {
    const HeldBack one(pool_, {worker});
    for (const std::size_t parts : {GetParam(), 3 * GetParam() + 1}) expect_once_each(pool_, parts);
  }
}

TEST_P(ThreadPoolHelp, ThreadsThatComeLateFindNothingToTake) {
  const std::vector<pthread_t> late = workers();
  for (std::size_t time = 0; time < 100; ++time) {
    HeldBack all(pool_, late);
    // The job that they are held back from is long over when they see it, or its place taken by one
    // of another size.
    for (std::size_t jobs = 0; jobs <= time % 4; ++jobs)
      expect_once_each(pool_, 2 + (time + jobs) % 9);
    all.release();
    for (std::size_t jobs = 0; jobs < 50; ++jobs) expect_once_each(pool_, 2 + (time * jobs) % 67);
  }
}

TEST_P(ThreadPoolHelp, AnExceptionOfAPartTakenOverComesBack) {
  const HeldBack all(pool_, workers());
  std::atomic<std::size_t> runs{0};
  const std::size_t parts = 2 * GetParam();
  try {
    pool_.parallel_for(parts, [&](std::size_t part) {
      runs.fetch_add(1);
      if (part >= parts - 2) throw std::runtime_error(std::to_string(part));
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), std::to_string(parts - 2));
  }
  EXPECT_EQ(runs.load(), parts);
}

TEST_P(ThreadPoolHelp, NestedCallsOfPartsTakenOverRunOnTheirThread) {
  const HeldBack all(pool_, workers());
  const std::thread::id caller = std::this_thread::get_id();
  std::atomic<int> runs{0}, others{0};
  pool_.parallel_for(GetParam(), [&](std::size_t) {
    pool_.parallel_for(3, [&](std::size_t) {
      runs.fetch_add(1);
      if (std::this_thread::get_id() != caller) others.fetch_add(1);
    });
  });
  EXPECT_EQ(runs.load(), static_cast<int>(3 * GetParam()));
  EXPECT_EQ(others.load(), 0);
}

INSTANTIATE_TEST_SUITE_P(Counts, ThreadPoolHelp, testing::Values(2, 3, 8));

}  // namespace
}  // namespace xlstm
