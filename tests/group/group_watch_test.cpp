// What a rank hears of the others while it waits for them elsewhere than in a meeting.
#include "xlstm/group/group_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "tests/support/as_ranks.h"
#include "tests/support/child_process.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"

namespace xlstm::testing {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using ::testing::HasSubstr;

constexpr milliseconds kLook{1}, kShort{40}, kLong{3'600'000};
constexpr std::chrono::seconds kLongest{20};  // of a test: what is waited for never came

// What a watch calls, and when.
struct Calls {
  std::atomic<int> count{0};
  std::promise<Clock::time_point> first;
  std::future<Clock::time_point> when = first.get_future();

  std::function<void()> counted() {
    return [this] {
      if (count++ == 0) first.set_value(Clock::now());
    };
  }
  bool come() { return when.wait_for(kLongest) == std::future_status::ready; }
};

class GroupWatchOf : public ::testing::TestWithParam<Meeting> {
 protected:
  static std::vector<std::shared_ptr<Group>> ranks(int size) { return ranks_of(size, GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Ranks, GroupWatchOf,
                         ::testing::Values(Meeting::kInMemory, Meeting::kByTcp),
                         [](const auto& meeting) {
                           return meeting.param == Meeting::kByTcp ? "ByTcp" : "InMemory";
                         });

TEST_P(GroupWatchOf, GivesUpOnceWhenOneHasLeftForAWhile) {
  const auto groups = ranks(3);
  Calls calls;
  const GroupWatch watch(groups[0], calls.counted(),
                         {.look = kLook, .lost = kLong, .left = kShort});
  watch.check();
  const auto begin = Clock::now();
  groups[2]->leave();
  ASSERT_TRUE(calls.come());
  EXPECT_GE(calls.when.get() - begin, kShort);
  EXPECT_EQ(message_of(ErrorKind::kCancelled, [&] { watch.check(); }),
            "[rank 2 of 3] has ended before the others");
  std::this_thread::sleep_for(2 * kShort);
  EXPECT_EQ(calls.count, 1);
}

// One that has left ended well, as far as is known: what it left is still used.
TEST_P(GroupWatchOf, LetsOneThatHasLeftGo) {
  const auto groups = ranks(2);
  Calls calls;
  const GroupWatch watch(groups[0], calls.counted(), {.look = kLook, .lost = kLook, .left = kLong});
  groups[1]->leave();
  while (!groups[0]->is_broken()) std::this_thread::yield();
  std::this_thread::sleep_for(kShort);
  watch.check();
  EXPECT_EQ(calls.count, 0);
}

TEST_P(GroupWatchOf, GivesUpSoonWhereOneHasFailed) {
  const auto groups = ranks(3);
  Calls calls;
  const GroupWatch watch(groups[0], calls.counted(),
                         {.look = kLook, .lost = kShort, .left = kLong});
  groups[2]->leave();
  groups[1]->fail(Error(ErrorKind::kMemory, "device", "wanted 3 GiB, got 2 GiB"));
  ASSERT_TRUE(calls.come());
  EXPECT_EQ(message_of(ErrorKind::kMemory, [&] { watch.check(); }),
            "[rank 1 of 3] [device] wanted 3 GiB, got 2 GiB");
}

// A rank that failed may give up before this one's patience ends: what it sends is not to be used.
TEST_P(GroupWatchOf, ChecksAtOnceForOneThatHasFailed) {
  const auto groups = ranks(2);
  Calls calls;
  const GroupWatch watch(groups[0], calls.counted(), {.look = kLook, .lost = kLong, .left = kLong});
  groups[1]->fail(Error(ErrorKind::kMemory, "device", "wanted 3 GiB, got 2 GiB"));
  while (!groups[0]->has_failed()) std::this_thread::yield();  // what it hears is on its way
  EXPECT_THAT(message_of(ErrorKind::kMemory, [&] { watch.check(); }), HasSubstr("[rank 1 of 2]"));
  EXPECT_EQ(calls.count, 0);
}

// Ranks give up one after the other: what one that has leaves to the others is not used, either.
TEST_P(GroupWatchOf, DoubtsBeforeItGivesUp) {
  constexpr milliseconds kPatience{2000};
  const auto groups = ranks(2);
  Calls calls;
  const GroupWatch watch(groups[0], calls.counted(),
                         {.look = kLook, .lost = kLong, .left = kPatience});
  const auto begin = Clock::now();
  groups[1]->leave();
  std::string said;
  while (said.empty() && Clock::now() - begin < kLongest) {
    try {
      watch.check();
      std::this_thread::sleep_for(kLook);
    } catch (const Error& error) {
      said = error.what();
    }
  }
  EXPECT_EQ(calls.count, 0);
  EXPECT_GE(Clock::now() - begin, kPatience / 2);
  EXPECT_THAT(said, HasSubstr("[rank 1 of 2] has ended before the others"));
  EXPECT_TRUE(calls.come());
}

TEST_P(GroupWatchOf, LetsRanksMeetWhileAllAreWell) {
  as_ranks(
      3,
      [](const std::shared_ptr<Group>& group) {
        Calls calls;
        const GroupWatch watch(group, calls.counted(),
                               {.look = kLook, .lost = kLook, .left = kLook});
        const auto end = Clock::now() + kShort;
        for (bool goes_on = true; goes_on;) {
          EXPECT_EQ(group->gather(group->rank()), (std::vector<int>{0, 1, 2}));
          watch.check();
          goes_on = agreed(group.get(), Clock::now() < end);
        }
        EXPECT_EQ(calls.count, 0);
        group->meet();
      },
      GetParam());
}

TEST_P(GroupWatchOf, CallsNoMoreWhenItHasEnded) {
  const auto groups = ranks(2);
  Calls calls;
  groups[1]->leave();
  const auto begin = Clock::now();
  {
    const GroupWatch watch(groups[0], calls.counted(),
                           {.look = kLong, .lost = kLook, .left = kLook});
  }
  EXPECT_LT(Clock::now() - begin, kLongest);  // it does not look to the end
  EXPECT_EQ(calls.count, 0);
}

// Whether or not the killed one's parent has taken note of it, as far as the system tells.
TEST(GroupWatch, MissesAProcessThatIsKilled) {
  for (const bool noted : {true, false}) {
    if (!noted && !std::filesystem::exists("/proc/self/stat")) continue;
    const TemporaryFolder folder;
    const auto place = [&](int rank) {
      return Rendezvous{.rank = rank, .size = 2, .file = folder.path() / "meet"};
    };
    const pid_t doomed = start_child([&] {
      ::alarm(60);  // where the other fails before it ends this one
      const auto group = Group::join(place(1));
      group->meet();
      ::pause();
      return 0;
    });
    const pid_t waits = start_child([&] {
      const auto group = Group::join(place(0));
      Calls calls;
      const GroupWatch watch(group, calls.counted(),
                             {.look = kLook, .lost = kShort, .left = kLong});
      group->meet();
      ::kill(doomed, SIGKILL);
      if (!calls.come()) return 1;
      const std::string what = message_of(ErrorKind::kCancelled, [&] { watch.check(); });
      return what == "[rank 1 of 2] is gone: its process ended without a word" ? 0 : 2;
    });
    int end = 0;
    if (noted) end = xlstm::wait_for(doomed);
    EXPECT_EQ(xlstm::wait_for(waits), 0) << noted;
    if (!noted) end = xlstm::wait_for(doomed);
    EXPECT_EQ(end, -SIGKILL);
  }
}

}  // namespace
}  // namespace xlstm::testing
