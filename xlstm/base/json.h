// nlohmann-json, with hostile input in mind: bounded depth and size, no duplicate keys, errors that
// say where.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "xlstm/base/json_fwd.h"

namespace xlstm {

struct JsonLimits {
  std::size_t max_depth = 64;           // of arrays and objects in each other
  std::size_t max_values = 20'000'000;  // in all; one takes about 16 to 100 bytes of memory
};

// Parses UTF-8 text. `where` names the source in errors. Throws Error(kFormat) on malformed text or
// UTF-8, a key given twice in one object, a number too large for a double, or a limit exceeded.
Json parse_json(std::string_view text, std::string_view where, const JsonLimits& limits = {});

// Getters for object members. A missing member or one that is null gives nullopt; a member of
// another type, or an integer beyond 64 bits, throws Error(kFormat) naming where and key, as does
// an `object` that is none.
std::optional<std::int64_t> get_int(const Json& object, std::string_view key,
                                    std::string_view where);
std::optional<double> get_number(const Json& object, std::string_view key, std::string_view where);
std::optional<bool> get_bool(const Json& object, std::string_view key, std::string_view where);
std::optional<std::string> get_string(const Json& object, std::string_view key,
                                      std::string_view where);

// The JSON type's name for messages: "a number", "an array", ...
std::string_view kind_of(const Json& value);

// The value for messages, short whatever it is: `a number: 7`, `a string: "x"`, `an array`.
std::string described(const Json& value);

}  // namespace xlstm
