#include "xlstm/base/thread_pool.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/expect_error.h"
#include "xlstm/base/cores.h"

namespace xlstm {
namespace {

class ThreadPools : public testing::TestWithParam<std::size_t> {
 protected:
  ThreadPool pool_{GetParam()};
};

using Ids = std::vector<std::thread::id>;

// Where the runs of parts begin that threads are dealt: as many for each, or one more.
std::vector<std::size_t> share_begins(std::size_t parts, std::size_t threads) {
  const std::size_t shares = std::min(parts, threads);
  std::vector<std::size_t> begins;
  for (std::size_t share = 0, begin = 0; share < shares; ++share) {
    begins.push_back(begin);
    begin += parts / shares + (share < parts % shares ? 1 : 0);
  }
  return begins;
}

// Who runs the first part of each share, where none of them ends before all have begun: nobody can
// be done and take another's.
Ids first_threads_of(ThreadPool& pool, std::size_t parts, std::size_t most = kAllThreads) {
  const std::vector<std::size_t> begins =
      share_begins(parts, std::max<std::size_t>(1, std::min(pool.size(), most)));
  Ids ids(begins.size());
  std::atomic<std::size_t> begun{0};
  const auto task = [&](std::size_t part) {
    const auto at = std::find(begins.begin(), begins.end(), part);
    if (at == begins.end()) return;
    ids[static_cast<std::size_t>(at - begins.begin())] = std::this_thread::get_id();
    begun.fetch_add(1);
    while (begun.load() < begins.size()) std::this_thread::yield();
  };
  pool.parallel_for(parts, task, most);
  return ids;
}

TEST_P(ThreadPools, EachPartRunsOnce) {
  EXPECT_EQ(pool_.size(), GetParam());
  for (const std::size_t parts : {0, 1, 2, 3, 4, 5, 7, 8, 9, 64, 1000, 65'534, 65'535, 200'001}) {
    std::vector<std::atomic<int>> runs(parts);
    pool_.parallel_for(parts, [&](std::size_t part) { runs.at(part).fetch_add(1); });
    for (const auto& count : runs) EXPECT_EQ(count.load(), 1) << parts;
  }
}

TEST_P(ThreadPools, ResultsAreVisibleToTheCaller) {
  std::vector<std::size_t> squares(10'000);
  for (int time = 0; time < 200; ++time) {
    pool_.parallel_for(squares.size(), [&](std::size_t i) { squares[i] = i * i + time; });
    for (std::size_t i = 0; i < squares.size(); ++i) ASSERT_EQ(squares[i], i * i + time);
  }
}

TEST_P(ThreadPools, EachThreadBeginsWithItsOwnRunOfNeighboursTheSameEachTime) {
  for (const std::size_t parts : {2, 3, 5, 8, 100}) {
    const Ids ids = first_threads_of(pool_, parts);
    EXPECT_EQ(ids[0], std::this_thread::get_id());
    EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), std::min(parts, GetParam()));
    EXPECT_EQ(first_threads_of(pool_, parts), ids);
  }
}

TEST_P(ThreadPools, NoMoreOfThemThanAsked) {
  for (const std::size_t most : {0, 1, 2, 3, 100}) {
    const std::size_t wanted = std::max<std::size_t>(1, std::min(most, GetParam()));
    std::mutex mutex;
    std::set<std::thread::id> ids;
    std::vector<std::atomic<int>> runs(600);
    const auto task = [&](std::size_t part) {
      runs[part].fetch_add(1);
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    };
    pool_.parallel_for(runs.size(), task, most);
    for (const auto& count : runs) EXPECT_EQ(count.load(), 1) << most;
    EXPECT_LE(ids.size(), wanted);
    EXPECT_EQ(first_threads_of(pool_, 100, most).size(), wanted);
  }
}

TEST_P(ThreadPools, NestedCallsRunOnTheirThread) {
  std::vector<std::atomic<int>> runs(12);
  std::atomic<int> elsewhere{0};
  pool_.parallel_for(3, [&](std::size_t outer) {
    const auto here = std::this_thread::get_id();
    pool_.parallel_for(4, [&](std::size_t inner) {
      runs[outer * 4 + inner].fetch_add(1);
      if (std::this_thread::get_id() != here) elsewhere.fetch_add(1);
    });
  });
  for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
  EXPECT_EQ(elsewhere.load(), 0);
}

TEST_P(ThreadPools, TheLowestPartsExceptionComesBackAfterAllHaveRun) {
  std::atomic<int> runs{0};
  try {
    pool_.parallel_for(20, [&](std::size_t part) {
      runs.fetch_add(1);
      if (part % 5 == 3) throw std::runtime_error(std::to_string(part));
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "3");
  }
  EXPECT_EQ(runs.load(), 20);
  std::atomic<int> more{0};
  pool_.parallel_for(7, [&](std::size_t) { more.fetch_add(1); });
  EXPECT_EQ(more.load(), 7) << "the pool goes on";
}

TEST_P(ThreadPools, AnExceptionOfANestedCallPassesBoth) {
  EXPECT_THROW(pool_.parallel_for(2,
                                  [this](std::size_t) {
                                    pool_.parallel_for(2, [](std::size_t part) {
                                      if (part == 1) throw std::out_of_range("inner");
                                    });
                                  }),
               std::out_of_range);
}

TEST_P(ThreadPools, CallersFromSeveralThreadsTakeTurns) {
  constexpr int kCallers = 4, kTimes = 300, kParts = 6;
  std::atomic<int> runs{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&] {
      for (int time = 0; time < kTimes; ++time) {
        int own[kParts] = {};
        pool_.parallel_for(kParts, [&](std::size_t part) { own[part] = 1; });
        runs.fetch_add(std::accumulate(own, own + kParts, 0));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(runs.load(), kCallers * kTimes * kParts);
}

// Workers are met spinning, about to sleep and asleep.
TEST_P(ThreadPools, WorkersComeBackFromPausesOfAnyLength) {
  std::atomic<long> runs{0};
  volatile double sink = 1;
  long wanted = 0;
  for (int time = 0; time < 400; ++time) {
    for (int i = 0; i < (time % 20) * 3000; ++i) sink = sink * 1.0000001;
    pool_.parallel_for(5, [&](std::size_t) { runs.fetch_add(1); });
    ASSERT_EQ(runs.load(), wanted += 5);
  }
}

INSTANTIATE_TEST_SUITE_P(Counts, ThreadPools, testing::Values(1, 2, 3, 8, 33));

TEST(ThreadPool, TwoWorkSideBySide) {
  ThreadPool one(2), two(3);
  // Each of all five threads waits for the others: none of the pools waits for the other.
  std::atomic<int> begun{0};
  const auto task = [&](std::size_t) {
    begun.fetch_add(1);
    while (begun.load() < 5) std::this_thread::yield();
  };
  std::thread other([&] { one.parallel_for(2, task); });
  two.parallel_for(3, task);
  other.join();
  EXPECT_EQ(begun.load(), 5);
}

TEST(ThreadPool, ATaskMayUseAnother) {
  ThreadPool outer(2), inner(2);
  std::atomic<int> runs{0};
  outer.parallel_for(
      4, [&](std::size_t) { inner.parallel_for(3, [&](std::size_t) { runs.fetch_add(1); }); });
  EXPECT_EQ(runs.load(), 12);
}

TEST(ThreadPool, EndsWithoutHavingWorked) {
  const ThreadPool pool(8);
  EXPECT_EQ(pool.size(), 8U);
}

TEST(ThreadPool, RefusesTooManyThreads) {
  expect_error(ErrorKind::kUsage, {"at most 1024", "got 1025"}, [] { ThreadPool pool(1025); });
}

// Sets XLSTM_THREADS for a while.
class Environment {
 public:
  explicit Environment(const char* value) {
    const char* const before = std::getenv("XLSTM_THREADS");
    if (before != nullptr) before_ = before;
    set(value);
  }
  ~Environment() { set(before_ ? before_->c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static void set(const char* value) {
    value != nullptr ? ::setenv("XLSTM_THREADS", value, 1) : ::unsetenv("XLSTM_THREADS");
  }
  std::optional<std::string> before_;
};

TEST(ThreadPool, FollowsTheEnvironment) {
  {
    const Environment seven("7");
    EXPECT_EQ(default_thread_count(), 7U);
    EXPECT_EQ(ThreadPool().size(), 7U);
    EXPECT_EQ(ThreadPool(3).size(), 3U);
  }
  for (const char* const value : {static_cast<const char*>(nullptr), ""}) {
    const Environment none(value);
    EXPECT_EQ(default_thread_count(), usable_cores());
  }
}

TEST(ThreadPool, RefusesANonsensicalEnvironment) {
  for (const char* value : {"0", "-1", "two", "3 ", "4x", "1025", "99999999999999999999", "1.5"}) {
    const Environment wrong(value);
    expect_error(ErrorKind::kUsage, {"XLSTM_THREADS", "wanted a whole number from 1 to 1024, got"},
                 [] { default_thread_count(); });
  }
}

}  // namespace
}  // namespace xlstm
