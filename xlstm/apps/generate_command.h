// Options of `generate` and `chat`, which are one command in two manners.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "xlstm/apps/answers.h"
#include "xlstm/apps/constraint_options.h"
#include "xlstm/apps/options.h"
#include "xlstm/apps/prompt.h"
#include "xlstm/wiring/views.h"

namespace xlstm::apps {

struct GenerateArguments {
  ModelOptions model;
  PromptOptions prompt;
  Request request = {.parse_special = true};  // the prompt is the caller's own
  std::vector<std::string> end_tokens;        // ids or texts
  ConstraintOptions constraint;
  AnswersWanted answers;
  StateOptions state;
  bool interactive = false;
  bool info = false;
  bool show_wiring = false;
  TreeStyle wiring_style = TreeStyle::kUnicode;
  bool stats = false;
  bool json = false;
};

// What both commands take; `prompt_help` says what --prompt is for.
std::vector<OptionGroup> common_groups(GenerateArguments& to, const std::string& prompt_help);

// The request with what the engine has to understand first. Throws Error(kUsage).
Request request_of(const GenerateArguments& options, const Engine& engine);

// Prints what --info and --show-wiring ask for, to standard error.
void show_model(const GenerateArguments& options, const Engine& engine);

// Turns at the terminal, or one a line from a pipe (chat_command.cpp).
int run_chat(const GenerateArguments& options);

}  // namespace xlstm::apps
