// xlstm completion: scripts that teach a shell our options.
#include <memory>

#include "xlstm/apps/command.h"
#include "xlstm/apps/completion_scripts.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

int run_completion(const std::string& shell) {
  if (shell.empty()) fail_wanted(ErrorKind::kUsage, "SHELL", "bash, zsh or fish", "nothing");
  const std::vector<Command> commands = all_commands();
  write_out(shell == "bash"  ? bash_completion(commands)
            : shell == "zsh" ? zsh_completion(commands)
                             : fish_completion(commands));
  return kExitOk;
}

}  // namespace

Command completion_command() {
  const auto shell = std::make_shared<std::string>();
  return {
      .name = "completion",
      .summary = "Completions for bash, zsh or fish",
      .description = "Prints a script that the shell can source.",
      .groups = {},
      .examples = {{"source <(xlstm completion bash)", "For this bash; in ~/.bashrc for all."},
                   {"xlstm completion fish > ~/.config/fish/completions/xlstm.fish", "For fish."}},
      .run = [shell] { return run_completion(*shell); },
      .argument = "SHELL",
      .set_argument = [shell](const std::string& name) { *shell = name; },
      .argument_choices = {"bash", "zsh", "fish"}};
}

}  // namespace xlstm::apps
