// Programs that the emulator runs: compilers, and what tells lines from addresses.
#pragma once

#include <string>
#include <vector>

namespace xlstm::metal_emulator {

struct CommandResult {
  int status;          // 0: it did what it should
  std::string output;  // of both of its streams
};

// Runs a program, found on the PATH or by its own path. Throws Error(kInternal) where no process
// can be made.
CommandResult run_command(const std::vector<std::string>& command);

}  // namespace xlstm::metal_emulator
