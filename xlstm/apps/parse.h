// The command line, parsed against the table of commands.
#pragma once

#include <vector>

#include "xlstm/apps/command.h"

namespace xlstm::apps {

enum class RunMode { kRun, kHelp, kVersion };

struct Parsed {
  RunMode mode = RunMode::kRun;
  const Command* command = nullptr;  // into `commands`; null: `xlstm --help` or `xlstm --version`
};

// Calls the setters of what is given. Throws Error(kUsage), with a near name where one exists.
Parsed parse_arguments(int argc, const char* const* argv, const std::vector<Command>& commands);

}  // namespace xlstm::apps
