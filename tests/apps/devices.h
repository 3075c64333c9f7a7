// One command run by several processes of the CPU.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/types.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/apps/subprocess.h"

namespace xlstm::testing {

// On the CPU, a thread each.
inline std::vector<std::string> among(int devices, std::vector<std::string> arguments) {
  for (const std::string& word :
       {std::string("--devices"), std::to_string(devices), std::string("--device"),
        std::string("cpu"), std::string("--threads"), std::string("1")}) {
    arguments.push_back(word);
  }
  return arguments;
}

// Children of a process, in the order in which they were started; none where the system does not
// list them.
inline std::vector<pid_t> children_of(pid_t parent) {
  const std::string id = std::to_string(parent);
  std::ifstream in("/proc/" + id + "/task/" + id + "/children");
  std::vector<pid_t> out;
  for (pid_t child = 0; in >> child;) out.push_back(child);
  return out;
}

// Kills rank `rank` of two, which ends the command and the other. What it has written; none where
// the system does not list children.
inline std::optional<std::string> end_by_killing(Process& process, std::size_t rank) {
  const std::vector<pid_t> ranks = children_of(process.id());
  if (ranks.size() != 2) return std::nullopt;
  kill(ranks[rank], SIGKILL);
  const std::string out = process.read_all();
  const std::string error = process.read_errors();
  if (rank == 1) {
    EXPECT_EQ(process.wait(), 1);
    EXPECT_EQ(error, "xlstm: [rank 1 of 2] is gone: its process ended without a word\n");
  } else {
    EXPECT_EQ(process.wait(), 128 + SIGKILL);
    EXPECT_EQ(error, "xlstm: [rank 0 of 2] wanted to run to the end, got signal 9 (Killed)\n");
  }
  EXPECT_EQ(kill(ranks[1 - rank], 0), -1);
  return out;
}

}  // namespace xlstm::testing
