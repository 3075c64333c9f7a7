// YAML texts of settings as JSON, with hostile input in mind.
#pragma once

#include <string_view>

#include "xlstm/base/json.h"

namespace xlstm {

// Parses one document of UTF-8. Plain scalars are what YAML 1.2's core schema makes of them: null,
// ~ and nothing; true and false; 12, 0x1f and 0o17; 0.5, 1e-5; all else is text, as is all in
// quotes. `where` names the source in errors. Throws Error(kFormat), with the line, on malformed
// text, a key given twice or that is no scalar, tags other than YAML's own (they would construct
// objects), numbers that JSON cannot hold, several documents, more than 1 MB of YAML or 10 MB of
// text in it, or a limit exceeded. Aliases count towards each as often as they are used.
Json parse_yaml(std::string_view text, std::string_view where,
                const JsonLimits& limits = {.max_depth = 64, .max_values = 100'000});

}  // namespace xlstm
