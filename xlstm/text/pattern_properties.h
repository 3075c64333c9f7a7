// Names of character properties: \p{Letter}, \p{Han}.
#pragma once

#include <string>
#include <string_view>

namespace xlstm::text {

// Oniguruma's `name` as PCRE2 calls it: "letter" is "L", a script "Han" is "sc:han" (PCRE2 would
// take "Han" for the script's extensions too). Unknown names become scripts that PCRE2 refuses.
std::string pcre2_property(std::string_view name);

}  // namespace xlstm::text
