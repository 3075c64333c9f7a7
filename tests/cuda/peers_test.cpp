// What ranks tell each other through the memory of their GPUs; none where there is no GPU. Each
// rank is a process: this program once more, with the one test. They take the GPUs in turns:
// several may have one.
#include "xlstm/cuda/peers.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"
#include "xlstm/base/floats.h"
#include "xlstm/group/group_watch.h"
#include "xlstm/group/share.h"

namespace xlstm::cuda {
namespace {

struct Rank {
  explicit Rank(const Rendezvous& place)
      : group(Group::join(place)),
        work(place.rank % device_count()),
        peers(Peers::connect(work, group)) {
    if (peers == nullptr) fail(ErrorKind::kInternal, "test", "GPUs that do not reach each other");
  }
  std::shared_ptr<Group> group;
  Workspace work;
  std::unique_ptr<Peers> peers;
};

[[noreturn]] void become_rank(int rank, int ranks, const std::string& file) {
  const ::testing::TestInfo& test = *::testing::UnitTest::GetInstance()->current_test_info();
  const std::string filter =
      std::string("--gtest_filter=") + test.test_suite_name() + "." + test.name();
  setenv("XLSTM_RANK", std::to_string(rank).c_str(), 1);
  setenv("XLSTM_RANKS", std::to_string(ranks).c_str(), 1);
  setenv("XLSTM_RENDEZVOUS", file.c_str(), 1);
  execl("/proc/self/exe", "tests_cuda", filter.c_str(), static_cast<char*>(nullptr));
  _exit(1);
}

class PeersOf : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (!has_device()) GTEST_SKIP() << "no GPU here";
  }

  // Runs `body` as each of GetParam() ranks.
  void as_ranks(const std::function<void(Rank&)>& body) {
    if (const auto place = rendezvous_from_environment()) {
      Rank own(*place);
      body(own);
      return;
    }
    const TemporaryFolder folder;
    std::vector<pid_t> ranks;
    for (int rank = 0; rank < GetParam(); ++rank) {
      const pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) become_rank(rank, GetParam(), folder.path() / "meet");
      ranks.push_back(child);
    }
    for (const pid_t rank : ranks) {
      int status = 0;
      waitpid(rank, &status, 0);
      EXPECT_EQ(status, 0);
    }
  }
};

std::vector<float> random_numbers(std::int64_t count, int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::normal_distribution<float> normal;
  std::vector<float> out(static_cast<std::size_t>(count));
  for (float& x : out) x = normal(random);
  return out;
}

Tensor on_device(Workspace& work, const TensorShape& shape, DType type,
                 const std::vector<float>& numbers) {
  Tensor out = work.allocate(shape, type, "test");
  floats_to(numbers.data(), numbers.size(), type, work.writable(out).data());
  return out;
}

std::vector<float> numbers_of(Workspace& work, const Tensor& x) {
  std::vector<float> out(static_cast<std::size_t>(x.elements()));
  floats_from(work.read(x).data(), x.dtype(), out.size(), out.data());
  return out;
}

// Sums are of the numbers as each rank has them, added in float32 in the order of ranks, to the
// bit. More calls than inboxes, of different sizes after each other.
TEST_P(PeersOf, RanksAddInTheirOrder) {
  const int size = GetParam();
  as_ranks([&](Rank& own) {
    for (const DType type : {DType::kF32, DType::kBF16}) {
      for (const std::int64_t count : {4, 8, 1020, 4096, 4096 * 64 / 2, 12, 4096, 64, 4}) {
        std::vector<float> sum(static_cast<std::size_t>(count)), mine;
        for (int rank = 0; rank < size; ++rank) {
          std::vector<float> its = random_numbers(count, rank + static_cast<int>(count));
          std::vector<std::byte> bytes(its.size() * size_of(type));
          floats_to(its.data(), its.size(), type, bytes.data());
          floats_from(bytes.data(), type, its.size(), its.data());
          for (std::size_t i = 0; i < sum.size(); ++i)
            sum[i] = rank == 0 ? its[i] : sum[i] + its[i];
          if (rank == own.group->rank()) mine = its;
        }
        std::vector<std::byte> bytes(sum.size() * size_of(type));
        floats_to(sum.data(), sum.size(), type, bytes.data());
        floats_from(bytes.data(), type, sum.size(), sum.data());

        const Tensor x = on_device(own.work, {count / 4, 4}, type, mine);
        ASSERT_TRUE(own.peers->sums(x));
        own.peers->all_sum(x);
        EXPECT_EQ(numbers_of(own.work, x), sum) << name_of(type) << ' ' << count;
      }
    }
  });
}

// Many sums queued at once: no rank waits for the others but on its GPU.
TEST_P(PeersOf, RanksAddManyTimes) {
  const int size = GetParam();
  as_ranks([&](Rank& own) {
    const Tensor one = on_device(own.work, {1, 4096}, DType::kF32, std::vector<float>(4096, 1));
    const Tensor x = own.work.copy_of(one, "test");
    for (int i = 0; i < 100; ++i) {
      if (i % 10 == 0) own.work.copy(x, one);
      own.peers->all_sum(x);  // times `size`
    }
    const auto wanted =
        static_cast<float>(std::pow(size, 10));  // below 2^24 of 3, a power of two else
    EXPECT_EQ(numbers_of(own.work, x), std::vector<float>(4096, wanted));
  });
}

TEST_P(PeersOf, RanksPutColumnsBesideEachOther) {
  const int size = GetParam();
  as_ranks([&](Rank& own) {
    for (const std::int64_t T : {1, 3, 5}) {
      for (const std::int64_t N : {64, 1000, 50304}) {
        std::vector<std::int64_t> ends;
        for (int rank = 0; rank < size; ++rank) ends.push_back(share_of(N, rank, size).end);
        const std::int64_t begin = own.group->rank() == 0 ? 0 : ends[own.group->rank() - 1];
        const std::int64_t width = ends[own.group->rank()] - begin;
        const std::vector<float> all = random_numbers(T * N, static_cast<int>(N));
        std::vector<float> mine;
        for (std::int64_t t = 0; t < T; ++t) {
          const auto row = all.begin() + t * N + begin;
          mine.insert(mine.end(), row, row + width);
        }
        const Tensor x = on_device(own.work, {T, width}, DType::kF32, mine);
        const Tensor y = own.work.allocate({T, N}, DType::kF32, "test");
        ASSERT_TRUE(own.peers->gathers(x, ends)) << T << ' ' << N;
        own.peers->all_columns(x, ends, y);
        EXPECT_EQ(numbers_of(own.work, y), all) << T << ' ' << N;
      }
    }
  });
}

// What Ranks does, whose NCCL is not needed here.
struct Watched {
  explicit Watched(Rank& own, const WatchPatience& patience)
      : device(own.work.device()),
        watch(
            own.group, [&] { own.peers->give_up(); }, patience) {
    device.set_check([this] { watch.check(); });
  }
  ~Watched() { device.set_check({}); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  Device& device;
  GroupWatch watch;
};

// More sums than a GPU's queue holds, of which one is of a rank that does not come: the host waits
// to queue more, then for the results, and gets neither numbers nor stuck. Nor does it later.
TEST_P(PeersOf, RanksDoNotWaitForOneThatIsGone) {
  const int last = GetParam() - 1;
  as_ranks([&](Rank& own) {
    const Watched watched(own, {.lost = std::chrono::milliseconds(500)});
    const Tensor x = on_device(own.work, {1, 4096}, DType::kF32, std::vector<float>(4096, 1));
    own.peers->all_sum(x);
    numbers_of(own.work, x);
    own.group->meet();
    if (own.group->rank() == last) _exit(0);
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < 5000; ++i) own.peers->all_sum(x);
    const auto gone = str("[rank ", last, " of ", last + 1, "] is gone");
    for (int again = 0; again < 2; ++again) {
      expect_error(ErrorKind::kCancelled, {gone}, [&] { numbers_of(own.work, x); });
      own.peers->all_sum(x);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  });
}

// The same of columns, and of a rank that says why it ends.
TEST_P(PeersOf, RanksDoNotWaitForColumnsOfOneThatFails) {
  const int size = GetParam(), last = size - 1;
  as_ranks([&](Rank& own) {
    const Watched watched(own, {.lost = std::chrono::milliseconds(500)});
    std::vector<std::int64_t> ends;
    for (int rank = 1; rank <= size; ++rank) ends.push_back(1024 * rank);
    const Tensor x = on_device(own.work, {2, 1024}, DType::kF32, std::vector<float>(2048, 1));
    const Tensor y = own.work.allocate({2, ends.back()}, DType::kF32, "test");
    if (own.group->rank() == last) {
      own.group->fail(Error(ErrorKind::kMemory, "test", "none left"));
      return;
    }
    own.peers->all_columns(x, ends, y);
    expect_error(ErrorKind::kMemory, {str("[rank ", last, " of ", size, "] [test] none left")},
                 [&] { numbers_of(own.work, y); });
  });
}

// What would not fit an inbox, or is no whole number of pieces, is left to NCCL.
TEST_P(PeersOf, RanksTakeNoMoreThanFits) {
  as_ranks([](Rank& own) {
    const auto sums = [&](std::int64_t count, DType type) {
      return own.peers->sums(own.work.allocate({1, count}, type, "test"));
    };
    EXPECT_TRUE(sums(64 * 4096, DType::kBF16));
    EXPECT_FALSE(sums(64 * 4096 + 4, DType::kBF16));
    EXPECT_FALSE(sums(64 * 4096, DType::kF32));
    EXPECT_FALSE(sums(6, DType::kBF16));
    EXPECT_TRUE(sums(6, DType::kF32));
    EXPECT_FALSE(sums(5, DType::kF32));
    const auto gathers = [&](std::int64_t first, std::int64_t second) {
      return own.peers->gathers(own.work.allocate({1, 4}, DType::kF32, "test"), {first, second});
    };
    EXPECT_TRUE(gathers(4, 8));
    EXPECT_FALSE(gathers(3, 8));
    EXPECT_FALSE(gathers(8, 8));
    EXPECT_FALSE(gathers(4, 4 + 131074));
  });
}

INSTANTIATE_TEST_SUITE_P(Some, PeersOf, ::testing::Values(2, 3, 4));

}  // namespace
}  // namespace xlstm::cuda
