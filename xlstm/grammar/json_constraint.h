// Answers that are JSON.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "xlstm/grammar/constraint.h"
#include "xlstm/grammar/token_trie.h"

namespace xlstm {

struct JsonConstraintOptions {
  bool object_only = true;     // else any value
  std::size_t max_depth = 64;  // of objects and arrays in each other, >= 1
};

// The whole answer is one JSON text, as xlstm/grammar/json_grammar.h has it. Throws Error(kUsage)
// for a depth of 0.
std::unique_ptr<Constraint> json_constraint(const JsonConstraintOptions& options,
                                            std::shared_ptr<const TokenTries> tries);

// The whole answer is JSON that `schema` describes, of which xlstm/grammar/json_schema.h says what
// it may have. Throws Error: kFormat where it is not JSON, kUsage for what we do not have.
std::unique_ptr<Constraint> json_schema_constraint(std::string_view schema,
                                                   std::shared_ptr<const TokenTries> tries);

}  // namespace xlstm
