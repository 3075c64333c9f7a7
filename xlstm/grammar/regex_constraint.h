// Answers that a regular expression matches.
#pragma once

#include <memory>
#include <string_view>

#include "xlstm/grammar/constraint.h"
#include "xlstm/grammar/token_trie.h"

namespace xlstm {

// The whole answer matches `pattern`, whose syntax xlstm/grammar/regex_parser.h has. Clones share
// what they find out about it. Throws Error(kUsage), saying where, for a pattern that is malformed
// or has what no automaton can do, and for one that is too large; allow() and accept() may throw
// the latter, too, as the automaton is made while it is used.
std::unique_ptr<Constraint> regex_constraint(std::string_view pattern,
                                             std::shared_ptr<const TokenTries> tries);

}  // namespace xlstm
