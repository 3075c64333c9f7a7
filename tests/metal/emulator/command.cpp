#include "tests/metal/emulator/command.h"

#include <sys/wait.h>

#include <cstdio>

#include "xlstm/base/error.h"

namespace xlstm::metal_emulator {
namespace {

std::string shell_quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

}  // namespace

CommandResult run_command(const std::vector<std::string>& command) {
  std::string line;
  for (const std::string& word : command) line += shell_quoted(word) + " ";
  std::FILE* const pipe = ::popen((line + "2>&1 </dev/null").c_str(), "r");
  if (pipe == nullptr) fail(ErrorKind::kInternal, command.front(), "no process could be made");
  CommandResult out;
  char piece[4096];
  for (std::size_t n; (n = std::fread(piece, 1, sizeof piece, pipe)) > 0;)
    out.output.append(piece, n);
  const int status = ::pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return out;
}

}  // namespace xlstm::metal_emulator
