// xlstm help: what --help says, for those who ask in this order.
#include <algorithm>
#include <memory>

#include "xlstm/apps/command.h"
#include "xlstm/apps/exit_code.h"
#include "xlstm/apps/help.h"
#include "xlstm/apps/streams.h"

namespace xlstm::apps {

Command help_command(const std::vector<Command>& commands) {
  const auto name = std::make_shared<std::string>();
  std::vector<std::string> names = {"help"};
  for (const Command& command : commands) names.push_back(command.name);
  return {.name = "help",
          .summary = "The commands, or the options of one",
          .description = "The same as xlstm --help and xlstm COMMAND --help.",
          .groups = {},
          .examples = {{"xlstm help generate", "What a prompt's continuation can be told."}},
          .run =
              [name] {
                const std::vector<Command> all = all_commands();
                const auto found = std::ranges::find(all, *name, &Command::name);
                write_out(found == all.end() ? program_help(all) : command_help(*found));
                return static_cast<int>(kExitOk);
              },
          .argument = "COMMAND",
          .set_argument = [name](const std::string& text) { *name = text; },
          .argument_choices = names,
          .argument_optional = true};
}

}  // namespace xlstm::apps
