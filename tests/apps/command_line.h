// What the tests of the command line share: the program, a folder of their own, the golden texts.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/apps/subprocess.h"
#include "tests/support/temporary_folder.h"

namespace xlstm::testing {

// A folder that lives as long as the test.
class CommandLine : public ::testing::Test {
 protected:
  // Runs `xlstm arguments...`; its state and cache folders are ours.
  Result xlstm(std::vector<std::string> arguments, RunOptions options = {}) const;
  std::vector<std::string> command(std::vector<std::string> arguments) const;

  // For a chat at a terminal: its history and settings are files of our folder.
  std::map<std::string, std::string> terminal_environment(
      const std::string& locale = "C.UTF-8") const;

  // A file in our folder.
  std::filesystem::path file(const std::string& name) const { return folder_ / name; }
  std::filesystem::path write(const std::string& name, const std::string& content) const;
  // A folder that links to all files of the embedded model but `without`.
  std::filesystem::path model_without(const std::vector<std::string>& without) const;

  const TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
};

std::filesystem::path embedded_model();

// The embedded model's reference: text of the prompt, text of the 64 greedy tokens that follow.
struct Golden {
  std::string prompt, greedy;
  std::vector<std::int32_t> greedy_ids;
};
Golden golden(int number);

// One line of standard error, "xlstm: [where] ...", and the given exit code.
::testing::AssertionResult is_one_line_error(const Result& result, int code,
                                             const std::string& containing);

}  // namespace xlstm::testing
