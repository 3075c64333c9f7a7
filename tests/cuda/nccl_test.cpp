// What several GPUs compute together, with a library of NCCL's interface that needs none.
#include "xlstm/cuda/nccl.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "tests/support/as_ranks.h"
#include "tests/support/expect_error.h"
#include "xlstm/base/floats.h"
#include "xlstm/group/group_watch.h"

namespace xlstm::cuda {
namespace {

using testing::as_ranks;
using ::testing::HasSubstr;

std::vector<std::string> fake() {
  return {XLSTM_FAKE_NCCL};
}

// How many communicators of the fake have ended.
struct Ended {
  int destroyed = 0, aborted = 0;
  Ended operator-(const Ended& before) const {
    return {destroyed - before.destroyed, aborted - before.aborted};
  }
};

Ended ended() {
  void* const library = dlopen(XLSTM_FAKE_NCCL, RTLD_NOW);
  const auto count = reinterpret_cast<void (*)(int*, int*)>(dlsym(library, "fake_nccl_ended"));
  Ended now;
  count(&now.destroyed, &now.aborted);
  dlclose(library);
  return now;
}

// Since `before`; what is aborted may take its time.
Ended ended_since(const Ended& before, int aborted) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while ((ended() - before).aborted < aborted && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return ended() - before;
}

class CommunicatorOf : public ::testing::Test {
 protected:
  void TearDown() override {
    unsetenv("FAKE_NCCL_VERSION");
    unsetenv("FAKE_NCCL_FAILS");
  }
};

TEST_F(CommunicatorOf, RanksSumsInPlace) {
  for (const int size : {2, 4}) {
    as_ranks(size, [&](const std::shared_ptr<Group>& group) {
      Communicator communicator(group, fake());
      std::vector<float> values = {1, static_cast<float>(group->rank()), -2};
      communicator.all_sum(values.data(), 3, DType::kF32, nullptr);
      const auto n = static_cast<float>(size);
      EXPECT_EQ(values, (std::vector<float>{n, n * (n - 1) / 2, -2 * n}));

      std::vector<float> halves = {0.5F, 3};
      std::vector<std::byte> packed(4);
      floats_to(halves.data(), 2, DType::kBF16, packed.data());
      communicator.all_sum(packed.data(), 2, DType::kBF16, nullptr);
      floats_from(packed.data(), DType::kBF16, 2, halves.data());
      EXPECT_EQ(halves, (std::vector<float>{n / 2, 3 * n}));
    });
  }
}

TEST_F(CommunicatorOf, RanksGathersPartsOfLikeAndUnlikeSizes) {
  as_ranks(3, [&](const std::shared_ptr<Group>& group) {
    Communicator communicator(group, fake());
    const auto own = static_cast<float>(group->rank());
    const std::vector<float> mine = {own, own + 10, own + 20};
    std::vector<float> all(6);
    communicator.gather(mine.data(), std::vector<std::int64_t>{2, 2, 2}, all.data(), DType::kF32,
                        nullptr);
    EXPECT_EQ(all, (std::vector<float>{0, 10, 1, 11, 2, 12}));
    communicator.gather(mine.data(), std::vector<std::int64_t>{3, 1, 2}, all.data(), DType::kF32,
                        nullptr);
    EXPECT_EQ(all, (std::vector<float>{0, 10, 20, 1, 2, 12}));
  });
}

// Called for every rank; the lowest rank's message.
std::string refusal(const std::vector<std::string>& names) {
  return message_of(ErrorKind::kUsage, [&] {
    as_ranks(2, [&](const std::shared_ptr<Group>& group) { Communicator(group, names); });
  });
}

TEST_F(CommunicatorOf, RanksSaysHowToInstallTheLibrary) {
  EXPECT_THAT(refusal({"libno-such-nccl.so.2"}),
              HasSubstr("[devices] wanted NCCL (libno-such-nccl.so.2) for several GPUs: `pip "
                        "install nvidia-nccl-cu13`"));
  setenv("FAKE_NCCL_VERSION", "21003", 1);
  EXPECT_THAT(refusal(fake()), HasSubstr("wanted NCCL 2.14 or newer"));
  EXPECT_THAT(refusal(fake()), HasSubstr("got 2.10"));
}

TEST_F(CommunicatorOf, RanksTellsWhatTheLibrarySays) {
  const auto failing = [&](const char* call) {
    setenv("FAKE_NCCL_FAILS", call, 1);
    return message_of(ErrorKind::kInternal, [&] {
      as_ranks(2, [&](const std::shared_ptr<Group>& group) {
        Communicator communicator(group, fake());
        float value = 1;
        communicator.all_sum(&value, 1, DType::kF32, nullptr);
      });
    });
  };
  EXPECT_THAT(failing("ncclCommInitRank"), HasSubstr("wanted a communicator of 2 GPUs"));
  EXPECT_THAT(
      failing("ncclAllReduce"),
      HasSubstr("[nccl] wanted a sum of 1 numbers over 2 GPUs, got invalid usage (5): as it "
                "was asked to; NCCL_DEBUG=INFO says more"));
}

TEST_F(CommunicatorOf, RanksDestroysWhatEndsWell) {
  const Ended before = ended();
  as_ranks(3, [](const std::shared_ptr<Group>& group) { Communicator(group, fake()); });
  const Ended now = ended() - before;
  EXPECT_EQ(now.destroyed, 3);
  EXPECT_EQ(now.aborted, 0);
}

// What is aborted is not used, nor destroyed.
TEST_F(CommunicatorOf, RanksAbortsOnce) {
  const Ended before = ended();
  as_ranks(2, [](const std::shared_ptr<Group>& group) {
    Communicator communicator(group, fake());
    communicator.abort();
    communicator.abort();
    float value = 1;
    EXPECT_THAT(message_of(ErrorKind::kCancelled,
                           [&] { communicator.all_sum(&value, 1, DType::kF32, nullptr); }),
                HasSubstr("has given up waiting for another rank"));
    EXPECT_THROW(
        communicator.gather(&value, std::vector<std::int64_t>{1, 1}, &value, DType::kF32, nullptr),
        Error);
  });
  const Ended now = ended_since(before, 2);
  EXPECT_EQ(now.destroyed, 0);
  EXPECT_EQ(now.aborted, 2);
}

// In NCCL's own call, as where the queue of a GPU is full.
TEST_F(CommunicatorOf, RanksWaitsNoMoreForOneThatFails) {
  const Ended before = ended();
  std::string heard;
  as_ranks(2, [&](const std::shared_ptr<Group>& group) {
    Communicator communicator(group, fake());
    if (!group->leads()) {
      group->fail(Error(ErrorKind::kMemory, "device", "wanted 3 GiB, got 2 GiB"));
      return;
    }
    using std::chrono::milliseconds;
    const GroupWatch watch(
        group, [&] { communicator.abort(); },
        {.look = milliseconds(1), .lost = milliseconds(20), .left = milliseconds(20)});
    float value = 1;
    heard = message_of(ErrorKind::kMemory,
                       [&] { communicator.all_sum(&value, 1, DType::kF32, nullptr); });
  });
  EXPECT_EQ(heard, "[rank 1 of 2] [device] wanted 3 GiB, got 2 GiB");
  const Ended now = ended_since(before, 1);
  EXPECT_EQ(now.destroyed, 0);  // the one that failed ends with its process
  EXPECT_EQ(now.aborted, 1);
}

// A rank that fails before NCCL begins is not waited for in there.
TEST_F(CommunicatorOf, RanksDoesNotWaitForOneThatCannotCome) {
  std::string heard;
  as_ranks(2, [&](const std::shared_ptr<Group>& group) {
    try {
      Communicator communicator(
          group, group->leads() ? fake() : std::vector<std::string>{"libno-such-nccl.so.2"});
    } catch (const Error& error) {
      group->fail(error);
      if (group->leads()) heard = error.what();
    }
  });
  EXPECT_THAT(heard, HasSubstr("[rank 1 of 2] [devices] wanted NCCL"));
}

}  // namespace
}  // namespace xlstm::cuda
