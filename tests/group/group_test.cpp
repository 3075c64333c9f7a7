#include "xlstm/group/group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <new>
#include <numeric>
#include <thread>

#include "tests/support/as_ranks.h"
#include "xlstm/base/floats.h"
#include "xlstm/group/shared_region.h"
#include "xlstm/group/together.h"
#include "xlstm/group/told.h"

namespace xlstm::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;

class GroupOf : public ::testing::TestWithParam<Meeting> {
 protected:
  static std::vector<std::shared_ptr<Group>> ranks(int size) { return ranks_of(size, GetParam()); }
  static void as_ranks(int size, const std::function<void(std::shared_ptr<Group>)>& run) {
    testing::as_ranks(size, run, GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(Ranks, GroupOf, ::testing::Values(Meeting::kInMemory, Meeting::kByTcp),
                         [](const auto& meeting) {
                           return meeting.param == Meeting::kByTcp ? "ByTcp" : "InMemory";
                         });

std::vector<float> numbers_of(int rank, std::size_t count) {
  std::vector<float> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = 1.0F / static_cast<float>(1 + (i * 7 + static_cast<std::size_t>(rank) * 13) % 101);
  }
  return out;
}

TEST_P(GroupOf, SumsInTheOrderOfRanksOnAll) {
  constexpr std::size_t kSlot = SharedRegion::kSlot / sizeof(float);
  for (const int size : {2, 3, 4}) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kSlot - 1,
                                    kSlot, kSlot + 1, 3 * kSlot + 5}) {
      std::vector<float> wanted = numbers_of(0, count);
      for (int rank = 1; rank < size; ++rank) {
        const std::vector<float> more = numbers_of(rank, count);
        for (std::size_t i = 0; i < count; ++i) wanted[i] += more[i];
      }
      as_ranks(size, [&](const std::shared_ptr<Group>& group) {
        std::vector<float> values = numbers_of(group->rank(), count);
        group->all_sum(DType::kF32, std::as_writable_bytes(std::span(values)));
        EXPECT_EQ(values, wanted) << size << " ranks, " << count << " numbers";
      });
    }
  }
}

TEST_P(GroupOf, SumsBfloat16InFloat32) {
  as_ranks(3, [](const std::shared_ptr<Group>& group) {
    // 256 + 1 + 1 in bfloat16, one after the other, stays 256.
    const float own = group->rank() == 0 ? 256.0F : 1.0F;
    std::array<std::byte, 2> bytes{};
    floats_to(&own, 1, DType::kBF16, bytes.data());
    group->all_sum(DType::kBF16, bytes);
    float sum = 0;
    floats_from(bytes.data(), DType::kBF16, 1, &sum);
    EXPECT_EQ(sum, 258.0F);
  });
}

TEST_P(GroupOf, TellsAllWhatRank0Has) {
  const std::string text(SharedRegion::kSlot + 100, 'x');
  as_ranks(4, [&](const std::shared_ptr<Group>& group) {
    EXPECT_EQ(group->broadcast(group->rank() + 40), 40);
    EXPECT_EQ(group->broadcast(group->leads() ? text : std::string("mine")), text);
    EXPECT_EQ(group->broadcast(group->leads() ? std::string() : text), "");
    EXPECT_EQ(group->gather(10 * group->rank()), (std::vector<int>{0, 10, 20, 30}));
    EXPECT_TRUE(agreed_answer(group.get(), [&] { return group->leads(); }));
  });
}

TEST_P(GroupOf, GathersPartsOfDifferentSizes) {
  const std::vector<std::size_t> sizes = {3, 0, SharedRegion::kSlot + 7};
  as_ranks(3, [&](const std::shared_ptr<Group>& group) {
    const auto own = static_cast<std::size_t>(group->rank());
    const std::vector<std::byte> mine(sizes[own], static_cast<std::byte>(own + 1));
    std::vector<std::byte> all(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}));
    group->gather(mine, sizes, all);
    EXPECT_EQ(all[2], std::byte{1});
    EXPECT_EQ(all[3], std::byte{3});
    EXPECT_EQ(all.back(), std::byte{3});
  });
}

TEST_P(GroupOf, AnErrorOfOneIsThatOfTheOthers) {
  const auto groups = ranks(3);
  groups[2]->fail(Error(ErrorKind::kMemory, "device", "wanted 3 GiB, got 2 GiB"));
  for (const int rank : {0, 1}) {
    for (int again = 0; again < 2; ++again) {
      try {
        groups[static_cast<std::size_t>(rank)]->meet();
        FAIL();
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kMemory);
        EXPECT_STREQ(error.what(), "[rank 2 of 3] [device] wanted 3 GiB, got 2 GiB");
      }
    }
  }
  EXPECT_TRUE(groups[0]->is_broken());
}

TEST_P(GroupOf, ALongErrorIsCut) {
  const auto groups = ranks(2);
  groups[1]->fail(std::runtime_error(std::string(5000, 'x')));
  try {
    groups[0]->meet();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_EQ(error.what(), "[rank 1 of 2] " + std::string(1023, 'x'));
  }
}

TEST_P(GroupOf, OneThatHasLeftIsNotWaitedFor) {
  const auto groups = ranks(2);
  groups[0]->leave();
  try {
    groups[1]->meet();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
    EXPECT_THAT(error.what(), HasSubstr("[rank 0 of 2] has ended before the others"));
  }
  EXPECT_TRUE(groups[1]->has_left(0));
}

// As a meeting would, but without one.
TEST_P(GroupOf, TellsWhyItIsBroken) {
  const auto groups = ranks(3);
  EXPECT_FALSE(groups[0]->error());
  EXPECT_FALSE(groups[0]->has_lost());
  groups[1]->leave();
  while (!groups[0]->is_broken()) std::this_thread::yield();  // what it hears is on its way
  EXPECT_STREQ(groups[0]->error()->what(), "[rank 1 of 3] has ended before the others");
  EXPECT_FALSE(groups[0]->has_lost());
  groups[2]->fail(Error(ErrorKind::kFile, "weights", "end early"));
  while (!groups[0]->has_failed()) std::this_thread::yield();
  EXPECT_TRUE(groups[0]->has_lost());
  EXPECT_STREQ(groups[0]->error()->what(), "[rank 2 of 3] [weights] end early");
  EXPECT_EQ(groups[0]->error()->kind(), ErrorKind::kFile);
}

// What they brought to the last meeting is there for those who are late.
TEST_P(GroupOf, ThoseWhoLeaveWereAtTheLastMeeting) {
  for (int again = 0; again < 20; ++again) {
    as_ranks(3, [&](const std::shared_ptr<Group>& group) {
      EXPECT_EQ(group->gather(group->rank()), (std::vector<int>{0, 1, 2}));
      EXPECT_TRUE(group->meets_within(std::chrono::seconds(20)));
      group->leave();
    });
  }
}

TEST_P(GroupOf, RanksOfOneHostAreCountedThere) {
  as_ranks(3, [](const std::shared_ptr<Group>& group) {
    EXPECT_EQ(group->local_rank(), group->rank());
    EXPECT_EQ(group->local_size(), 3);
  });
}

// Ranks that make different calls would add up what does not belong together.
TEST_P(GroupOf, CallsThatDifferAreAnError) {
  try {
    as_ranks(2, [](const std::shared_ptr<Group>& group) {
      std::vector<float> values(group->leads() ? 4 : 5);
      group->all_sum(DType::kF32, std::as_writable_bytes(std::span(values)));
    });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInternal);
    EXPECT_THAT(error.what(), HasSubstr("all ranks make the same calls"));
  }
}

TEST_P(GroupOf, ATimedMeetingEndsWithoutTheOthers) {
  const auto groups = ranks(2);
  EXPECT_FALSE(groups[0]->meets_within(std::chrono::milliseconds(20)));
  while (!groups[1]->is_broken()) std::this_thread::yield();  // what it hears is on its way
  as_ranks(2, [](const std::shared_ptr<Group>& group) {
    EXPECT_TRUE(group->meets_within(std::chrono::seconds(20)));
    group->meet();
  });
}

TEST_P(GroupOf, TogetherThrowsWhatTheLowestThrewOnAll) {
  std::array<std::string, 3> heard;
  as_ranks(3, [&](const std::shared_ptr<Group>& group) {
    together(group.get(), [] {});
    try {
      together(group.get(), [&] {
        if (group->rank() == 1) throw std::bad_alloc();
        if (group->rank() == 2) fail(ErrorKind::kFile, "here", "a longer text than the other's");
      });
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kMemory);
      heard[static_cast<std::size_t>(group->rank())] = error.what();
    }
    together(group.get(), [] {});
  });
  EXPECT_THAT(heard, Each("[rank 1 of 3] [memory] wanted enough for this call, got none left"));
}

}  // namespace
}  // namespace xlstm::testing
