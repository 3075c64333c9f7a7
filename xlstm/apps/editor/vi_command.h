// What is typed in the command mode of vi: [count] [operator [count]] motion, or [count] command.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace xlstm::apps {

struct ViCommand {
  std::size_t count = 1;
  char action = '\0';      // d, c or y before a motion
  char key = '\0';         // of the motion or the command
  std::string glyph = {};  // that f, F, t, T or r wants
};

bool is_vi_find(char key);  // f, F, t or T

// nullopt: more keys are needed.
std::optional<ViCommand> parse_vi_command(std::string_view keys);

}  // namespace xlstm::apps
