// Processes that meet by a file.
#include "xlstm/group/rendezvous.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/group/group.h"
#include "xlstm/group/shared_region.h"

namespace xlstm {
namespace {

using ::testing::HasSubstr;

class Meeting : public ::testing::Test {
 protected:
  Rendezvous place(int rank, int size, int patience = 20) const {
    return {rank, size, folder_.path() / "ranks", std::chrono::seconds(patience)};
  }
  const TemporaryFolder folder_;
};

// What joining says, "" where it is well.
std::string joining(const Rendezvous& place) {
  try {
    Group::join(place);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST_F(Meeting, ProcessesSumAndLeaveNothingBehind) {
  std::vector<pid_t> ranks;
  for (int rank = 0; rank < 4; ++rank) {
    ranks.push_back(start_child([&, rank] {
      if (rank == 0) ::usleep(20'000);  // the others wait for it
      const auto group = Group::join(place(rank, 4));
      std::array<float, 2> values = {static_cast<float>(rank), 1};
      group->all_sum(DType::kF32, std::as_writable_bytes(std::span(values)));
      return values == std::array<float, 2>{6, 4} ? 0 : 1;
    }));
  }
  for (const pid_t rank : ranks) EXPECT_EQ(wait_for(rank), 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(Meeting, OneThatIsKilledIsMissed) {
  const pid_t doomed = start_child([&] {
    const auto group = Group::join(place(1, 2));
    group->meet();
    ::pause();
    return 0;
  });
  const pid_t other = start_child([&] {
    const auto group = Group::join(place(0, 2));
    group->meet();
    ::kill(doomed, SIGKILL);
    try {
      group->meet();
    } catch (const Error& error) {
      const std::string what = error.what();
      return what.find("[rank 1 of 2] is gone") != std::string::npos ? 0 : 2;
    }
    return 1;
  });
  EXPECT_EQ(wait_for(doomed), -SIGKILL);  // whoever started it takes note of its end
  EXPECT_EQ(wait_for(other), 0);
}

// A run that was killed before all were there leaves its file.
TEST_F(Meeting, WhatAnEarlierRunLeftIsPassedOver) {
  const pid_t earlier = start_child([&] { return joining(place(0, 2)).empty() ? 0 : 1; });
  while (!std::filesystem::exists(place(0, 2).file)) ::usleep(1000);
  ::kill(earlier, SIGKILL);
  wait_for(earlier);
  const pid_t second = start_child([&] { return joining(place(1, 2)).empty() ? 0 : 1; });
  ::usleep(50'000);  // by now it has found the old file
  const pid_t first = start_child([&] { return joining(place(0, 2)).empty() ? 0 : 1; });
  EXPECT_EQ(wait_for(first), 0);
  EXPECT_EQ(wait_for(second), 0);
}

TEST_F(Meeting, SaysWhoIsMissing) {
  EXPECT_THAT(joining(place(0, 2, 0)), HasSubstr("wanted all 2 ranks, on this host, within 0 s, "
                                                 "got no rank 1"));
  EXPECT_THAT(joining(place(1, 2, 0)), HasSubstr("wanted rank 0 of 2 to make it, on this host"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(Meeting, RefusesAnotherFile) {
  std::ofstream(place(1, 2).file) << "something else";
  EXPECT_THAT(joining(place(1, 2)),
              HasSubstr("wanted the meeting place of 2 ranks of this version"));
  std::filesystem::remove(place(1, 2).file);
  std::filesystem::create_directory(place(1, 2).file);
  EXPECT_THAT(joining(place(1, 2)), HasSubstr("cannot open"));
  Rendezvous nowhere = place(0, 2);
  nowhere.file = folder_.path() / "no" / "such" / "folder";
  EXPECT_THAT(joining(nowhere), HasSubstr("cannot create"));
}

class Environment : public ::testing::Test {
 protected:
  void set(const std::map<std::string, std::string>& variables) {
    clear();
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  }
  void clear() {
    for (const char* name :
         {"XLSTM_RANK", "XLSTM_RANKS", "XLSTM_RENDEZVOUS", "OMPI_COMM_WORLD_RANK",
          "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "PMIX_NAMESPACE", "PMI_RANK",
          "PMI_SIZE", "MPI_LOCALNRANKS", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS",
          "SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_STEP_NUM_NODES", "MASTER_ADDR", "MASTER_PORT"}) {
      unsetenv(name);
    }
  }
  void SetUp() override { clear(); }
  void TearDown() override { clear(); }

  std::string refusal() {
    try {
      rendezvous_from_environment();
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
};

TEST_F(Environment, SaysWhichRankThisIs) {
  EXPECT_FALSE(rendezvous_from_environment());
  set({{"XLSTM_RANK", "1"}, {"XLSTM_RANKS", "2"}, {"XLSTM_RENDEZVOUS", "/a/b"}});
  auto place = rendezvous_from_environment();
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 1);
  EXPECT_EQ(place->size, 2);
  EXPECT_EQ(place->file, "/a/b");

  set({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"PMIX_NAMESPACE", "a/b@1"}});
  place = rendezvous_from_environment();
  ASSERT_TRUE(place);
  EXPECT_EQ(place->rank, 3);
  EXPECT_EQ(place->file.filename(), "xlstm-" + std::to_string(getuid()) + "-a-b-1");

  set({{"PMI_RANK", "0"}, {"PMI_SIZE", "2"}});
  EXPECT_EQ(rendezvous_from_environment()->size, 2);
  set({{"SLURM_PROCID", "1"},
       {"SLURM_STEP_NUM_TASKS", "2"},
       {"SLURM_JOB_ID", "7"},
       {"SLURM_STEP_ID", "0"}});
  EXPECT_THAT(rendezvous_from_environment()->file.string(), HasSubstr("-7-0"));
}

TEST_F(Environment, OneProcessIsNoRank) {
  set({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}});
  EXPECT_FALSE(rendezvous_from_environment());
  set({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}});  // of a batch script
  EXPECT_FALSE(rendezvous_from_environment());
}

TEST_F(Environment, RefusesWhatCannotBe) {
  set({{"XLSTM_RANK", "2"}, {"XLSTM_RANKS", "2"}, {"XLSTM_RENDEZVOUS", "/a"}});
  EXPECT_THAT(refusal(), HasSubstr("[XLSTM_RANK] wanted a number from 0 to 1, got \"2\""));
  set({{"XLSTM_RANK", "0"}, {"XLSTM_RANKS", "many"}});
  EXPECT_THAT(refusal(), HasSubstr("[XLSTM_RANKS] wanted a number from 1 to 64"));
  set({{"XLSTM_RANK", "0"}, {"XLSTM_RANKS", "2"}});
  EXPECT_THAT(refusal(),
              HasSubstr("[XLSTM_RENDEZVOUS] wanted a file or tcp://HOST:PORT beside XLSTM_RANK"));
}

TEST_F(Environment, SaysWhereRanksOfSeveralHostsMeet) {
  const std::map<std::string, std::string> four = {{"OMPI_COMM_WORLD_RANK", "1"},
                                                   {"OMPI_COMM_WORLD_SIZE", "4"},
                                                   {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  const auto address_with = [&](std::map<std::string, std::string> more) {
    more.insert(four.begin(), four.end());
    set(more);
    return rendezvous_from_environment()->address;
  };
  EXPECT_EQ(address_with({{"XLSTM_RENDEZVOUS", "tcp://node1:4000"}}), (HostAndPort{"node1", 4000}));
  const std::map<std::string, std::string> master = {{"MASTER_ADDR", "10.0.0.1"},
                                                     {"MASTER_PORT", "29500"}};
  EXPECT_EQ(address_with(master), (HostAndPort{"10.0.0.1", 29500}));
  auto both = master;
  both["XLSTM_RENDEZVOUS"] = "tcp://[::1]:1";
  EXPECT_EQ(address_with(both), (HostAndPort{"::1", 1}));
  // Of one host, what is there for other programs says nothing.
  auto here = master;
  here["OMPI_COMM_WORLD_LOCAL_SIZE"] = "4";
  EXPECT_EQ(address_with(here), std::nullopt);
  here["XLSTM_RENDEZVOUS"] = "tcp://localhost:4000";
  EXPECT_EQ(address_with(here), (HostAndPort{"localhost", 4000}));
  set({{"XLSTM_RANK", "1"}, {"XLSTM_RANKS", "2"}, {"XLSTM_RENDEZVOUS", "tcp://a:65535"}});
  EXPECT_EQ(rendezvous_from_environment()->address->text(), "tcp://a:65535");
}

TEST_F(Environment, RefusesSeveralHostsWithoutAnAddress) {
  const std::string wanted =
      "wanted all ranks on one host, or XLSTM_RENDEZVOUS=tcp://HOST:PORT for them all";
  std::map<std::string, std::string> two_of_four = {{"OMPI_COMM_WORLD_RANK", "0"},
                                                    {"OMPI_COMM_WORLD_SIZE", "4"},
                                                    {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
  set(two_of_four);
  EXPECT_THAT(refusal(), HasSubstr("[OMPI_COMM_WORLD_SIZE] " + wanted));
  EXPECT_THAT(refusal(), HasSubstr("got 2 of 4 on this one"));
  two_of_four["MASTER_ADDR"] = "node1";  // without a port
  set(two_of_four);
  EXPECT_THAT(refusal(), HasSubstr(wanted));
  two_of_four["MASTER_PORT"] = "http";
  set(two_of_four);
  EXPECT_THAT(refusal(), HasSubstr("[MASTER_PORT] wanted a number from 1 to 65535, got \"http\""));
  two_of_four["XLSTM_RENDEZVOUS"] = "/a/file";
  set(two_of_four);
  EXPECT_THAT(refusal(), HasSubstr(wanted));

  set({{"SLURM_PROCID", "0"},
       {"SLURM_STEP_NUM_TASKS", "4"},
       {"SLURM_STEP_NUM_NODES", "2"},
       {"SLURM_JOB_ID", "7"}});
  EXPECT_THAT(refusal(), HasSubstr("[SLURM_STEP_NUM_TASKS] " + wanted));
  EXPECT_THAT(refusal(), HasSubstr("got 4 on 2"));
}

TEST_F(Environment, RefusesAddressesThatCannotBe) {
  for (const char* text :
       {"tcp://", "tcp://node1", "tcp://:4000", "tcp://node1:", "tcp://node1:0",
        "tcp://node1:65536", "tcp://node1:4000x", "tcp://node1:-1", "tcp://node1:4000/",
        "tcp://::1:4000", "tcp://[]:4000", "tcp://[::1:4000", "tcp://a b:4000",
        "tcp://user@node1:4000", "udp://node1:4000", "http://node1:4000"}) {
    set({{"XLSTM_RANK", "1"}, {"XLSTM_RANKS", "2"}, {"XLSTM_RENDEZVOUS", text}});
    EXPECT_EQ(refusal(),
              "[XLSTM_RENDEZVOUS] wanted tcp://HOST:PORT (of IPv6 tcp://[ADDRESS]:PORT) "
              "with a port from 1 to 65535, or a file, got \"" +
                  std::string(text) + "\"");
  }
  EXPECT_EQ(parse_tcp_address("", "tcp://[fe80::1%eth0]:4").text(), "tcp://[fe80::1%eth0]:4");
}

}  // namespace
}  // namespace xlstm
