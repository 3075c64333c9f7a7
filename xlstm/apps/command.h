// What a command is: a row of a table. Parser, help texts and shell completions all read the same
// rows.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace xlstm::apps {

// What a shell should offer for an option's value.
enum class Completes { kNothing, kFile, kFolder };

struct Option {
  std::string name;                             // "--top-p"; shown, and named in errors
  std::string value;                            // what follows it, "NUMBER"; empty for a switch
  std::string help;                             // a sentence without full stop
  std::function<void(const std::string&)> set;  // called for each occurrence; a switch gets ""
  std::vector<std::string> choices = {};        // if not empty, all allowed values
  Completes completes = Completes::kNothing;
  bool repeatable = false;  // else the last occurrence counts
  char letter = '\0';       // 'm' for -m
  std::string needs = {};   // an option without which this one would do nothing
};

struct OptionGroup {
  std::string title;
  std::vector<Option> options;
};

struct Example {
  std::string line;
  std::string meaning;
};

struct Command {
  std::string name;
  std::string summary;      // one line, for the list of commands
  std::string description;  // paragraphs, for its own help
  std::vector<OptionGroup> groups;
  std::vector<Example> examples;
  std::function<int()> run;   // returns an exit code; throws Error
  std::string argument = {};  // name of the one positional argument, if it has one
  std::function<void(const std::string&)> set_argument = {};
  std::vector<std::string> argument_choices = {};  // of the first
  bool argument_optional = false;
  int arguments = 1;  // that it takes
  Completes argument_completes = Completes::kNothing;
  std::function<int()> devices =
      {};  // what --devices says, 0: nothing; null: it has no such option
};

// In the order in which help lists them, itself last.
std::vector<Command> all_commands();

// "generate, chat or ...": those that take --devices.
std::string names_with_devices(const std::vector<Command>& commands);

Command generate_command();
Command chat_command();
Command batch_command();
Command forecast_command();
Command info_command();
Command wiring_command();
Command tokenize_command();
Command detokenize_command();
Command perplexity_command();
Command bench_command();
Command convert_command();
Command download_command();
Command cache_command();
Command doctor_command();
Command completion_command();
// Help on one of `commands`, or on all.
Command help_command(const std::vector<Command>& commands);

}  // namespace xlstm::apps
