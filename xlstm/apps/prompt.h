// Where a prompt comes from.
#pragma once

#include <optional>
#include <string>

#include "xlstm/apps/command.h"

namespace xlstm::apps {

struct PromptOptions {
  std::optional<std::string> text;  // "-" stands for standard input
  std::string file;
};

// `what` says what --prompt is for.
OptionGroup prompt_option_group(PromptOptions& to, const std::string& what);

// The prompt as UTF-8: --prompt, --prompt-file, or standard input where that is no terminal. One
// line end at the end of a file or of standard input is dropped. nullopt: none of them was given.
// Throws Error: kUsage (two sources, not UTF-8), kFile.
std::optional<std::string> read_prompt(const PromptOptions& options);

}  // namespace xlstm::apps
