#include "xlstm/grammar/json_constraint.h"

#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/grammar/grammar_constraint.h"
#include "xlstm/grammar/json_grammar.h"
#include "xlstm/grammar/json_schema.h"

namespace xlstm {

std::unique_ptr<Constraint> json_constraint(const JsonConstraintOptions& options,
                                            std::shared_ptr<const TokenTries> tries) {
  if (options.max_depth == 0) fail_wanted(ErrorKind::kUsage, "json", "a depth of at least 1", "0");
  grammar::TokenMasks::Limits limits;
  limits.max_depth = options.max_depth;
  return std::make_unique<grammar::GrammarConstraint>(std::make_shared<grammar::TokenMasks>(
      grammar::json_grammar(options.object_only), std::move(tries), limits));
}

std::unique_ptr<Constraint> json_schema_constraint(std::string_view schema,
                                                   std::shared_ptr<const TokenTries> tries) {
  return std::make_unique<grammar::GrammarConstraint>(std::make_shared<grammar::TokenMasks>(
      grammar::schema_grammar(schema), std::move(tries), grammar::TokenMasks::Limits()));
}

}  // namespace xlstm
