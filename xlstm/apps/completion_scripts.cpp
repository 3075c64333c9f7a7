#include "xlstm/apps/completion_scripts.h"

#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

constexpr char kOrigin[] = "made by `xlstm completion";

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string command_names(const std::vector<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  return joined(names);
}

// `text` without what a shell would take for its own inside single quotes or zsh's brackets.
std::string escaped(const std::string& text, const std::string& special) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\'') {
      out += "'\\''";
      continue;
    }
    if (special.find(letter) != std::string::npos) out += '\\';
    out += letter;
  }
  return out;
}

// Calls `use` with every option of `command`.
template <typename Use>
void each_option(const Command& command, const Use& use) {
  for (const OptionGroup& group : command.groups) {
    for (const Option& option : group.options) use(option);
  }
}

// The names an option answers to, with `between` between them.
std::string spellings(const Option& option, const std::string& between) {
  return option.letter == '\0' ? option.name
                               : std::string("-") + option.letter + between + option.name;
}

// --- bash ---------------------------------------------------------------------------------------

std::string bash_values(const Option& option) {
  std::string action;
  if (!option.choices.empty()) action = "compgen -W '" + joined(option.choices) + "' -- \"$word\"";
  if (option.completes == Completes::kFile) action = "compgen -f -- \"$word\"";
  if (option.completes == Completes::kFolder) action = "compgen -d -- \"$word\"";
  const std::string reply = action.empty() ? "" : " mapfile -t COMPREPLY < <(" + action + ");";
  return "        " + spellings(option, "|") + ")" + reply + " return ;;\n";
}

std::string bash_command(const Command& command) {
  std::vector<std::string> words = {"--help"};
  std::string values;
  each_option(command, [&](const Option& option) {
    words.push_back(option.name);
    if (!option.value.empty()) values += bash_values(option);
  });
  for (const std::string& choice : command.argument_choices) words.push_back(choice);
  return "    " + command.name + ")\n" +
         (values.empty() ? "" : "      case \"$before\" in\n" + values + "      esac\n") +
         "      words='" + joined(words) + "'" +
         (command.argument_completes == Completes::kFile ? " files=1" : "") + " ;;\n";
}

// --- zsh ----------------------------------------------------------------------------------------

std::string zsh_value(const Option& option) {
  if (option.value.empty()) return "";
  std::string action;
  if (!option.choices.empty()) action = "(" + joined(option.choices) + ")";
  if (option.completes == Completes::kFile) action = "_files";
  if (option.completes == Completes::kFolder) action = "_files -/";
  return ":" + escaped(option.value, ":[]") + ":" + action;
}

std::string zsh_option(const Option& option) {
  const std::string rest = "[" + escaped(option.help, "[]:\\") + "]" + zsh_value(option) + "'";
  const std::string many = option.repeatable ? "\\*" : "";
  const std::string first = "        " + many;
  if (option.letter == '\0') return first + "'" + option.name + rest;
  // Both spellings exclude each other and share what follows.
  return "        '(" + spellings(option, " ") + ")'{" + spellings(option, ",") + "}'" + rest;
}

std::string zsh_command(const Command& command) {
  std::string text = "    " + command.name + ")\n      _arguments '--help[this command]'";
  each_option(command, [&](const Option& option) { text += " \\\n" + zsh_option(option); });
  if (command.argument_completes == Completes::kFile) {
    text += " \\\n        '*:" + command.argument + ":_files'";
  } else if (!command.argument.empty()) {
    text += " \\\n        '1:" + command.argument + ":(" + joined(command.argument_choices) + ")'";
  }
  return text + " ;;\n";
}

// --- fish ---------------------------------------------------------------------------------------

// In fish's single quotes a backslash escapes.
std::string fish_quoted(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') out += '\\';
    out += letter;
  }
  return out;
}

std::string fish_option(const Command& command, const Option& option) {
  std::string text = "complete -c xlstm -n '__fish_seen_subcommand_from " + command.name + "'";
  if (option.letter != '\0') text += std::string(" -s ") + option.letter;
  text += " -l " + option.name.substr(2);
  if (!option.value.empty()) text += option.completes == Completes::kNothing ? " -x" : " -r -F";
  if (!option.choices.empty()) text += " -a '" + joined(option.choices) + "'";
  return text + " -d '" + fish_quoted(option.help) + "'\n";
}

}  // namespace

std::string bash_completion(const std::vector<Command>& commands) {
  std::string text = str("# bash completion for xlstm, ", kOrigin, " bash`\n", R"(_xlstm() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words= files=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W ')",
                         command_names(commands), R"( --help --version' -- "$word")
    return
  fi
  case "${COMP_WORDS[1]}" in
)");
  for (const Command& command : commands) text += bash_command(command);
  return text + R"(  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word"; [ -z "$files" ] || compgen -f -- "$word")
}
complete -F _xlstm xlstm
)";
}

std::string zsh_completion(const std::vector<Command>& commands) {
  std::string text =
      str("#compdef xlstm\n# zsh completion for xlstm, ", kOrigin, " zsh`\n", R"(_xlstm() {
  if (( CURRENT == 2 )); then
    local -a commands=(
)");
  for (const Command& command : commands) {
    text += "      '" + command.name + ":" + escaped(command.summary, ":") + "'\n";
  }
  text += R"(    )
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
)";
  for (const Command& command : commands) text += zsh_command(command);
  return text + R"(  esac
}
if [ "$funcstack[1]" = _xlstm ]; then _xlstm "$@"; else compdef _xlstm xlstm; fi
)";
}

std::string fish_completion(const std::vector<Command>& commands) {
  std::string text =
      str("# fish completion for xlstm, ", kOrigin, " fish`\n", "complete -c xlstm -f\n",
          "complete -c xlstm -n __fish_use_subcommand -l version -d 'Versions'\n",
          "complete -c xlstm -s h -l help -d 'Help'\n");
  for (const Command& command : commands) {
    text += "complete -c xlstm -n __fish_use_subcommand -a " + command.name + " -d '" +
            fish_quoted(command.summary) + "'\n";
    each_option(command, [&](const Option& option) { text += fish_option(command, option); });
    if (command.argument_completes == Completes::kFile) {
      text += "complete -c xlstm -n '__fish_seen_subcommand_from " + command.name + "' -F\n";
    }
    if (command.argument_choices.empty()) continue;
    text += "complete -c xlstm -n '__fish_seen_subcommand_from " + command.name + "' -a '" +
            joined(command.argument_choices) + "'\n";
  }
  return text;
}

}  // namespace xlstm::apps
