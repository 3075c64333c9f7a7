#include "xlstm/grammar/regex_constraint.h"

#include <utility>

#include "xlstm/grammar/grammar_constraint.h"
#include "xlstm/grammar/regex_parser.h"

namespace xlstm {

std::unique_ptr<Constraint> regex_constraint(std::string_view pattern,
                                             std::shared_ptr<const TokenTries> tries) {
  const grammar::Grammar grammar = {grammar::parse_regex(pattern)};
  return std::make_unique<grammar::GrammarConstraint>(std::make_shared<grammar::TokenMasks>(
      grammar, std::move(tries), grammar::TokenMasks::Limits()));
}

}  // namespace xlstm
