// Regular expressions as people write them.
#pragma once

#include <string_view>

#include "xlstm/grammar/expression.h"

namespace xlstm::grammar {

// `pattern` is UTF-8, and a character of it matches a character of UTF-8:
//   abc  .  [a-z_]  [^"\\]        literals, any character but \n, sets by code points
//   a|b  (a)  (?:a)  (?<name>a)   groups capture nothing
//   a*  a+  a?  a{m}  a{m,}  a{m,n}, each also with a "?" behind, which changes no language
//   \d \w \s \D \W \S             ASCII digits, word characters, white space, and all others
//   \n \r \t \f \v \0 \xHH \x{H} \uHHHH \u{H}, and a "\" before what is no letter or digit
//   ^ at the start and $ at the end of the whole, where they change nothing
//
// Throws Error(kUsage), with the offset in bytes, for what is malformed, what is no regular
// language (backreferences, lookaround), other syntax (word boundaries, flags, \p{...}, [:alpha:]),
// sets that no character is in, groups in each other beyond 200, and counts above 100,000.
Expression parse_regex(std::string_view pattern);

}  // namespace xlstm::grammar
