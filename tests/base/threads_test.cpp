#include "xlstm/base/threads.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/support/expect_error.h"
#include "xlstm/base/cores.h"

namespace xlstm {
namespace {

class Threads : public testing::TestWithParam<std::size_t> {
 protected:
  Threads() { set_thread_count(GetParam()); }
  ~Threads() override { set_thread_count(0); }
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
Ids first_threads_of(std::size_t parts, std::size_t threads, std::size_t most = kAllThreads) {
  const std::vector<std::size_t> begins =
      share_begins(parts, std::max<std::size_t>(1, std::min(threads, most)));
  Ids ids(begins.size());
  std::atomic<std::size_t> begun{0};
  const auto task = [&](std::size_t part) {
    const auto at = std::find(begins.begin(), begins.end(), part);
    if (at == begins.end()) return;
    ids[static_cast<std::size_t>(at - begins.begin())] = std::this_thread::get_id();
    begun.fetch_add(1);
    while (begun.load() < begins.size()) std::this_thread::yield();
  };
  parallel_for(parts, task, most);
  return ids;
}

TEST_P(Threads, EachPartRunsOnce) {
  EXPECT_EQ(thread_count(), GetParam());
  for (const std::size_t parts : {0, 1, 2, 3, 4, 5, 7, 8, 9, 64, 1000, 65'534, 65'535, 200'001}) {
    std::vector<std::atomic<int>> runs(parts);
    parallel_for(parts, [&](std::size_t part) { runs.at(part).fetch_add(1); });
    for (const auto& count : runs) EXPECT_EQ(count.load(), 1) << parts;
  }
}

TEST_P(Threads, ResultsAreVisibleToTheCaller) {
  std::vector<std::size_t> squares(10'000);
  for (int time = 0; time < 200; ++time) {
    parallel_for(squares.size(), [&](std::size_t i) { squares[i] = i * i + time; });
    for (std::size_t i = 0; i < squares.size(); ++i) ASSERT_EQ(squares[i], i * i + time);
  }
}

TEST_P(Threads, EachThreadBeginsWithItsOwnRunOfNeighboursTheSameEachTime) {
  for (const std::size_t parts : {2, 3, 5, 8, 100}) {
    const Ids ids = first_threads_of(parts, GetParam());
    EXPECT_EQ(ids[0], std::this_thread::get_id());
    EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), std::min(parts, GetParam()));
    EXPECT_EQ(first_threads_of(parts, GetParam()), ids);
  }
}

TEST_P(Threads, NoMoreOfThemThanAsked) {
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
    parallel_for(runs.size(), task, most);
    for (const auto& count : runs) EXPECT_EQ(count.load(), 1) << most;
    EXPECT_LE(ids.size(), wanted);
    EXPECT_EQ(first_threads_of(100, GetParam(), most).size(), wanted);
  }
}

TEST_P(Threads, NestedCallsRunOnTheirThread) {
  std::vector<std::atomic<int>> runs(12);
  std::atomic<int> elsewhere{0};
  parallel_for(3, [&](std::size_t outer) {
    const auto here = std::this_thread::get_id();
    parallel_for(4, [&](std::size_t inner) {
      runs[outer * 4 + inner].fetch_add(1);
      if (std::this_thread::get_id() != here) elsewhere.fetch_add(1);
    });
  });
  for (const auto& count : runs) EXPECT_EQ(count.load(), 1);
  EXPECT_EQ(elsewhere.load(), 0);
}

TEST_P(Threads, TheLowestPartsExceptionComesBackAfterAllHaveRun) {
  std::atomic<int> runs{0};
  try {
    parallel_for(20, [&](std::size_t part) {
      runs.fetch_add(1);
      if (part % 5 == 3) throw std::runtime_error(std::to_string(part));
    });
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "3");
  }
  EXPECT_EQ(runs.load(), 20);
  std::atomic<int> more{0};
  parallel_for(7, [&](std::size_t) { more.fetch_add(1); });
  EXPECT_EQ(more.load(), 7) << "the pool goes on";
}

TEST_P(Threads, AnExceptionOfANestedCallPassesBoth) {
  EXPECT_THROW(parallel_for(2,
                            [](std::size_t) {
                              parallel_for(2, [](std::size_t part) {
                                if (part == 1) throw std::out_of_range("inner");
                              });
                            }),
               std::out_of_range);
}

TEST_P(Threads, CallersFromSeveralThreadsTakeTurns) {
  constexpr int kCallers = 4, kTimes = 300, kParts = 6;
  std::atomic<int> runs{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&] {
      for (int time = 0; time < kTimes; ++time) {
        int own[kParts] = {};
        parallel_for(kParts, [&](std::size_t part) { own[part] = 1; });
        runs.fetch_add(std::accumulate(own, own + kParts, 0));
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(runs.load(), kCallers * kTimes * kParts);
}

// Workers are met spinning, about to sleep and asleep.
TEST_P(Threads, WorkersComeBackFromPausesOfAnyLength) {
  std::atomic<long> runs{0};
  volatile double sink = 1;
  long wanted = 0;
  for (int time = 0; time < 400; ++time) {
    for (int i = 0; i < (time % 20) * 3000; ++i) sink = sink * 1.0000001;
    parallel_for(5, [&](std::size_t) { runs.fetch_add(1); });
    ASSERT_EQ(runs.load(), wanted += 5);
  }
}

INSTANTIATE_TEST_SUITE_P(Counts, Threads, testing::Values(1, 2, 3, 8, 33));

TEST(ThreadCount, CanChangeBetweenCalls) {
  for (const std::size_t count : {3, 1, 4, 2, 16, 2}) {
    set_thread_count(count);
    const Ids ids = first_threads_of(64, count);
    EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), count);
  }
  set_thread_count(0);
}

TEST(ThreadCount, RefusesTooMany) {
  expect_error(ErrorKind::kUsage, {"at most 1024", "got 1025"}, [] { set_thread_count(1025); });
}

// The environment is read once: each value is tried in a process of its own.
void exit_with_the_count(const char* value) {
  if (value == nullptr) {
    ::unsetenv("XLSTM_THREADS");
  } else {
    ::setenv("XLSTM_THREADS", value, 1);
  }
  try {
    std::exit(static_cast<int>(thread_count()));
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    std::exit(error.kind() == ErrorKind::kUsage ? 201 : 202);
  }
}

TEST(ThreadCountDeathTest, FollowsTheEnvironment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto exits = [](int code) { return testing::ExitedWithCode(code); };
  EXPECT_EXIT(exit_with_the_count("7"), exits(7), "");
  EXPECT_EXIT(exit_with_the_count(nullptr), exits(static_cast<int>(usable_cores())), "");
  EXPECT_EXIT(exit_with_the_count(""), exits(static_cast<int>(usable_cores())), "");
}

TEST(ThreadCountDeathTest, RefusesANonsensicalEnvironment) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const char* value : {"0", "-1", "two", "3 ", "4x", "1025", "99999999999999999999", "1.5"}) {
    EXPECT_EXIT(exit_with_the_count(value), testing::ExitedWithCode(201),
                "XLSTM_THREADS. wanted a whole number from 1 to 1024, got");
  }
}

}  // namespace
}  // namespace xlstm
