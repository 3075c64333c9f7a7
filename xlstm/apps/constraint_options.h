// --regex, --json-output, --json-schema: what an answer may be.
#pragma once

#include <memory>
#include <string>

#include "xlstm/apps/command.h"
#include "xlstm/engine/engine.h"

namespace xlstm::apps {

struct ConstraintOptions {
  std::string regex;
  bool json = false;
  std::string schema;  // a file
};

OptionGroup constraint_option_group(ConstraintOptions& to);

// Null where none was asked for. Throws Error: kUsage (two of them, a pattern or schema that is not
// one), kFile, kModel (a vocabulary whose tokens have no text of their own).
std::shared_ptr<const Constraint> constraint_of(const ConstraintOptions& options,
                                                const Engine& engine);

// What tells one constraint from another; "" for none. Throws Error(kFile).
std::string constraint_text_of(const ConstraintOptions& options);

}  // namespace xlstm::apps
