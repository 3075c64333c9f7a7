#include "xlstm/apps/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "xlstm/apps/nearest.h"
#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

void check_choice(const std::string& name, const std::vector<std::string>& choices,
                  const std::string& value) {
  if (choices.empty() || std::ranges::count(choices, value) > 0) return;
  fail_wanted(ErrorKind::kUsage, name, (choices.size() > 1 ? "one of " : "") + joined(choices),
              quoted(value) + did_you_mean(value, choices));
}

void add_option(CLI::App& app, const Option& option) {
  const std::string names =
      option.letter == '\0' ? option.name : std::string("-") + option.letter + "," + option.name;
  if (option.value.empty()) {
    app.add_flag_callback(names, [&option] { option.set(""); });
    return;
  }
  // The raw form of add_option: CLI11 converts nothing, so that every value reaches our own checks.
  app.add_option(names,
                 [&option](const CLI::results_t& values) {
                   const auto first = option.repeatable ? values.begin() : values.end() - 1;
                   for (auto value = first; value != values.end(); ++value) {
                     check_choice(option.name, option.choices, *value);
                     option.set(*value);
                   }
                   return true;
                 })
      ->type_size(1)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_command(CLI::App& app, const Command& command) {
  CLI::App* sub = app.add_subcommand(command.name);
  sub->allow_extras();
  for (const OptionGroup& group : command.groups) {
    for (const Option& option : group.options) add_option(*sub, option);
  }
}

// Option names of `command`, and those that all commands have.
std::vector<std::string> names_of(const Command& command) {
  std::vector<std::string> names = {"--help"};
  for (const OptionGroup& group : command.groups) {
    for (const Option& option : group.options) names.push_back(option.name);
  }
  return names;
}

const Option* find_option(const Command& command, std::string_view name) {
  for (const OptionGroup& group : command.groups) {
    for (const Option& option : group.options) {
      if (option.name == name) return &option;
    }
  }
  return nullptr;
}

// What a value without an option may have been meant for: "; did you mean --prompt "It was"?".
std::string as_option(const Command& command, const std::string& value) {
  for (const char* name : {"--prompt", "--file", "--model"}) {
    if (find_option(command, name) == nullptr) continue;
    return str("; did you mean ", name, " ", quoted(value), "?");
  }
  return "";
}

// An option without effect is a mistake, and is reported.
void check_needed_options(const Command& command, const CLI::App& app) {
  for (const OptionGroup& group : command.groups) {
    for (const Option& option : group.options) {
      if (option.needs.empty() || app.count(option.name) == 0) continue;
      if (app.count(option.needs) > 0) continue;
      const Option* needed = find_option(command, option.needs);
      const std::string value =
          needed == nullptr || needed->value.empty() ? "" : " " + needed->value;
      fail_wanted(ErrorKind::kUsage, option.name, option.needs + value + " with it", "none");
    }
  }
}

void take_extras(const Command& command, const std::vector<Command>& commands,
                 const std::vector<std::string>& extras) {
  int taken = 0;
  for (const std::string& extra : extras) {
    const bool is_option = extra.size() > 1 && extra.front() == '-';
    if (!is_option && taken < command.arguments && command.set_argument) {
      if (taken == 0) check_choice(command.argument, command.argument_choices, extra);
      command.set_argument(extra);
      ++taken;
      continue;
    }
    const std::string name = extra.substr(0, extra.find('='));
    if (name == "--devices") {
      fail_wanted(ErrorKind::kUsage, name, names_with_devices(commands), command.name);
    }
    const std::string near =
        is_option ? did_you_mean(name, names_of(command)) : as_option(command, extra);
    fail_wanted(ErrorKind::kUsage, "xlstm " + command.name, "an option it has",
                quoted(extra) + (near.empty() ? "; see xlstm " + command.name + " --help" : near));
  }
}

[[noreturn]] void refuse_command(const std::vector<Command>& commands,
                                 const std::vector<std::string>& extras) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  const std::string got = extras.empty() ? "nothing" : quoted(extras.front());
  const std::string near = extras.empty() ? "" : did_you_mean(extras.front(), names);
  fail_wanted(ErrorKind::kUsage, "xlstm", "a command",
              got + (near.empty() ? "; see xlstm --help" : near));
}

// CLI11's error as ours. The only ones left are about the number of values.
[[noreturn]] void refuse_parse(const CLI::ParseError& error, const Command* command) {
  const std::string what = error.what();
  const std::string name = what.substr(0, what.find(':'));
  const Option* option = command == nullptr ? nullptr : find_option(*command, name);
  if (option != nullptr) fail_wanted(ErrorKind::kUsage, name, option->value, "nothing");
  fail(ErrorKind::kUsage, "command line", what);
}

// CLI11 takes "--option=" for one without a value and eats the next argument, and lets a switch
// have a value: the first becomes two arguments here, the second is refused.
std::vector<std::string> arguments_of(int argc, const char* const* argv,
                                      const std::vector<Command>& commands) {
  const auto command = std::ranges::find(commands, argc > 1 ? argv[1] : "", &Command::name);
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::string_view name = argument.substr(0, argument.find('='));
    const Option* option = command == commands.end() || name.size() == argument.size()
                               ? nullptr
                               : find_option(*command, name);
    if (option != nullptr && option->value.empty()) {
      fail_wanted(ErrorKind::kUsage, name, "no value", quoted(argument.substr(name.size() + 1)));
    }
    const bool empty_value = option != nullptr && argument.size() == name.size() + 1;
    arguments.emplace_back(empty_value ? name : argument);
    if (empty_value) arguments.emplace_back();
  }
  return arguments;
}

const Command* chosen(const CLI::App& app, const std::vector<Command>& commands) {
  const auto parsed = app.get_subcommands();
  if (parsed.empty()) return nullptr;
  const auto found = std::ranges::find(commands, parsed.front()->get_name(), &Command::name);
  return found == commands.end() ? nullptr : &*found;
}

}  // namespace

std::string names_with_devices(const std::vector<Command>& commands) {
  std::string text, last;
  for (const Command& each : commands) {
    if (!each.devices) continue;
    if (!last.empty()) text += text.empty() ? last : ", " + last;
    last = each.name;
  }
  return text.empty() ? last : text + " or " + last;
}

Parsed parse_arguments(int argc, const char* const* argv, const std::vector<Command>& commands) {
  CLI::App app;
  bool version = false;
  app.allow_extras();
  app.require_subcommand(0, 1);
  app.add_flag("--version", version);
  for (const Command& command : commands) add_command(app, command);
  try {
    std::vector<std::string> arguments = arguments_of(argc, argv, commands);
    std::ranges::reverse(arguments);  // CLI11 takes them from the back
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    return {RunMode::kHelp, chosen(app, commands)};
  } catch (const CLI::ParseError& error) {
    refuse_parse(error, chosen(app, commands));
  }
  if (version) return {RunMode::kVersion, nullptr};
  const Command* command = chosen(app, commands);
  if (command == nullptr) refuse_command(commands, app.remaining());
  take_extras(*command, commands, app.remaining(true));
  check_needed_options(*command, *app.get_subcommand(command->name));
  return {RunMode::kRun, command};
}

}  // namespace xlstm::apps
