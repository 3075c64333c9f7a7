// Processes that meet by TCP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/support/as_ranks.h"
#include "tests/support/child_process.h"
#include "xlstm/group/host.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;

int sum_of_four(int rank, const HostAndPort& address) {
  const auto group = Group::join({.rank = rank, .size = 4, .address = address});
  std::array<float, 2> values = {static_cast<float>(rank), 1};
  group->all_sum(DType::kF32, std::as_writable_bytes(std::span(values)));
  return values == std::array<float, 2>{6, 4} ? 0 : 1;
}

TEST(Tcp, ProcessesSum) {
  for (const char* host : {"127.0.0.1", "localhost", "::1"}) {
    HostAndPort address;
    try {
      address = free_address(host);
    } catch (const Error&) {
      continue;  // a host without IPv6
    }
    std::vector<pid_t> ranks;
    for (int rank = 0; rank < 4; ++rank) {
      ranks.push_back(start_child([&, rank] {
        if (rank == 0) ::usleep(20'000);  // the others wait for it
        return sum_of_four(rank, address);
      }));
    }
    for (const pid_t rank : ranks) EXPECT_EQ(xlstm::wait_for(rank), 0) << host;
  }
}

// Rank 0 listens at all interfaces, and is called by any name that it has.
TEST(Tcp, ProcessesSumByTheNameOfTheHost) {
  std::array<char, 256> name{};
  ASSERT_EQ(::gethostname(name.data(), name.size() - 1), 0);
  HostAndPort address{name.data(), free_port()};
  try {
    if (addresses_of(address).empty()) GTEST_SKIP() << "no address of " << name.data();
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  std::vector<pid_t> ranks;
  for (int rank = 0; rank < 4; ++rank) {
    ranks.push_back(start_child([&, rank] { return sum_of_four(rank, address); }));
  }
  for (const pid_t rank : ranks) EXPECT_EQ(xlstm::wait_for(rank), 0);
}

TEST(Tcp, OneThatIsKilledIsMissed) {
  const HostAndPort address = free_address();
  const pid_t doomed = start_child([&] {
    const auto group = Group::join({.rank = 1, .size = 3, .address = address});
    group->meet();
    ::pause();
    return 0;
  });
  const auto wait_in_vain = [&](int rank) {
    const auto group = Group::join({.rank = rank, .size = 3, .address = address});
    group->meet();
    if (rank == 0) ::kill(doomed, SIGKILL);
    try {
      group->meet();
    } catch (const Error& error) {
      const std::string what = error.what();
      const std::string wanted = "[rank 1 of 3] is gone: its connection ended without a word";
      return what == wanted && error.kind() == ErrorKind::kCancelled && group->has_left(1) ? 0 : 2;
    }
    return 1;
  };
  const pid_t first = start_child([&] {
    const int status = wait_in_vain(0);
    ::pause();  // the others hear nothing of it from this one
    return status;
  });
  EXPECT_EQ(xlstm::wait_for(start_child([&] { return wait_in_vain(2); })), 0);
  EXPECT_EQ(xlstm::wait_for(doomed), -SIGKILL);
  ::kill(first, SIGKILL);
  xlstm::wait_for(first);
}

// What it said last arrives, whatever others say to it meanwhile.
TEST(Tcp, OneThatEndsIsHeardToTheLast) {
  const HostAndPort address = free_address();
  const std::vector<std::size_t> sizes = {3'000'000, 0, 0};
  std::vector<pid_t> ranks;
  for (int rank = 0; rank < 3; ++rank) {
    ranks.push_back(start_child([&, rank] {
      const auto group = Group::join({.rank = rank, .size = 3, .address = address});
      if (rank > 0) ::usleep(20'000);
      std::vector<std::byte> own(sizes[static_cast<std::size_t>(rank)], std::byte{7}),
          all(sizes[0]);
      group->gather(own, sizes, all);
      return std::ranges::count(all, std::byte{7}) == 3'000'000 ? 0 : 1;
    }));
  }
  for (const pid_t rank : ranks) EXPECT_EQ(xlstm::wait_for(rank), 0);
}

TEST(Tcp, RanksAreCountedOnTheirHost) {
  const HostAndPort address = free_address();
  const std::vector<std::string> hosts = {"a", "b", "a", "a", "b"};
  const std::vector<int> wanted = {0, 0, 1, 2, 1};
  in_threads(5, [&](int rank) {
    const auto at = static_cast<std::size_t>(rank);
    const auto group =
        Group::join({.rank = rank, .size = 5, .address = address, .host = hosts[at]});
    EXPECT_EQ(group->local_rank(), wanted[at]);
    EXPECT_EQ(group->local_size(), hosts[at] == "a" ? 3 : 2);
  });
  EXPECT_EQ(host_identity(), host_identity());
  EXPECT_GT(host_identity().size(), 1U);
}

}  // namespace
}  // namespace xlstm::testing
