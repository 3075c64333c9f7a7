#include "xlstm/apps/help.h"

#include <algorithm>

#include "xlstm/base/error.h"
#include "xlstm/engine/doctor.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kColumns = 96;
constexpr std::size_t kHelpColumn = 30;  // where an option's explanation starts

// `text` in lines of at most kColumns, each after the first indented by `indent`.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (column > indent && column + 1 + word.size() > kColumns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) out += ' ';
    column += word.size() + (column > indent ? 1 : 0);
    out += word;
    at = end + 1;
  }
  return out;
}

std::string row(std::string left, const std::string& right) {
  left = "  " + left;
  left += left.size() + 2 > kHelpColumn ? "\n" + std::string(kHelpColumn, ' ')
                                        : std::string(kHelpColumn - left.size(), ' ');
  return left + wrapped(right, kHelpColumn) + "\n";
}

std::string option_row(const Option& option) {
  std::string left = option.letter == '\0' ? "" : std::string("-") + option.letter + ", ";
  left += option.name + (option.value.empty() ? "" : " " + option.value);
  return row(left, option.help + (option.repeatable ? " (repeatable)" : ""));
}

std::string argument_of(const Command& command) {
  if (command.argument.empty()) return "";
  return command.argument_optional ? " [" + command.argument + "]" : " " + command.argument;
}

std::string paragraphs(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += wrapped(text.substr(at, end - at), 0) + "\n";
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string program_help(const std::vector<Command>& commands) {
  std::string out =
      "xlstm runs xLSTM language models: text in, text out, with a memory of constant size.\n\n"
      "Usage: xlstm COMMAND [OPTIONS]\n\nCommands:\n";
  for (const Command& command : commands) out += row(command.name, command.summary);
  out += "\nOptions:\n" + row("-h, --help", "This text; after a command, the command's") +
         row("--version", "The versions of xlstm and MLX") + "\nExamples:\n";
  for (const Command& command : commands) {
    if (!command.examples.empty()) out += "  " + command.examples.front().line + "\n";
  }
  return out +
         "\nStandard output carries the answer alone, standard error all else. Exit codes: 0 done, "
         "1 "
         "other\nfailure, 2 usage, 3 file or model, 4 memory, 5 network, 130 Ctrl-C, 143 "
         "SIGTERM.\n";
}

std::string command_help(const Command& command) {
  std::string out = command.summary + ".\n\nUsage: xlstm " + command.name + argument_of(command) +
                    (command.groups.empty() ? "" : " [OPTIONS]") + "\n";
  if (!command.description.empty()) out += "\n" + paragraphs(command.description);
  for (const OptionGroup& group : command.groups) {
    out += "\n" + group.title + ":\n";
    for (const Option& option : group.options) out += option_row(option);
  }
  out += "\n" + row("-h, --help", "This text");
  if (!command.examples.empty()) out += "\nExamples:\n";
  for (const Example& example : command.examples) {
    out += "  " + example.line + "\n      " + wrapped(example.meaning, 6) + "\n";
  }
  return out;
}

std::string version_text() {
  return str("xlstm ", XLSTM_VERSION, " (MLX ", mlx_version(), ")\n");
}

}  // namespace xlstm::apps
