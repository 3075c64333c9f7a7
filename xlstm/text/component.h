// Reading the parts of a tokenizer.json: {"type": "NFC", ...}, each with errors that say where.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/json_fwd.h"

namespace xlstm::text {

// Token ids are this in tokenizer.h; the parts of the tokenizer do not know that header.
using TokenId = std::int32_t;

// "tokenizer.json: pre_tokenizer"
std::string inside(std::string_view where, std::string_view part);

// A member that must be there and must have that type; Error(kFormat) otherwise.
const Json& required(const Json& object, std::string_view key, std::string_view where);
bool required_bool(const Json& object, std::string_view key, std::string_view where);
std::string required_string(const Json& object, std::string_view key, std::string_view where);
std::size_t required_count(const Json& object, std::string_view key, std::string_view where);
const Json& required_array(const Json& object, std::string_view key, std::string_view where);
// A string that is one character.
char32_t required_character(const Json& object, std::string_view key, std::string_view where);

// A token id: a whole number from 0 to 2^31 - 2.
TokenId token_id_from(const Json& value, std::string_view where);

// The type of a component.
std::string type_of(const Json& component, std::string_view where);

// Refuses a component that we do not have, by name: Error(kModel).
[[noreturn]] void fail_unknown(std::string_view where, std::string_view kind, std::string_view type,
                               std::string_view known);

// {"String": "..."} or {"Regex": "..."}
struct PatternText {
  bool is_regex;
  std::string text;
};
PatternText pattern_text(const Json& component, std::string_view where);

}  // namespace xlstm::text
