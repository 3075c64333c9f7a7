// Oniguruma's regular expressions, which tokenizer files hold, in PCRE2's syntax.
#pragma once

#include <string>
#include <string_view>

namespace xlstm::text {

// The same pattern for PCRE2 with PCRE2_UTF, PCRE2_UCP and PCRE2_MULTILINE, where the two differ in
// what they mean: \s, \w, \h, \v, \b, script names, {n,m}+, {,n}, {n}?, (?m), \uHHHH.
// Throws Error(kModel) for what has no counterpart: class intersections and nested classes, an
// option in the middle of a group, unknown escapes, properties and options.
std::string pcre2_from_oniguruma(std::string_view expression, std::string_view where);

}  // namespace xlstm::text
