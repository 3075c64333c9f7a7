#include "xlstm/text/component.h"

#include <limits>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/base/utf8.h"
#include "xlstm/text/characters.h"

namespace xlstm::text {

std::string inside(std::string_view where, std::string_view part) {
  return str(where, ": ", part);
}

const Json& required(const Json& object, std::string_view key, std::string_view where) {
  if (!object.is_object()) {
    fail_wanted(ErrorKind::kFormat, where, str("an object with ", quoted(key)), kind_of(object));
  }
  const auto found = object.find(std::string(key));
  if (found == object.end()) {
    fail_wanted(ErrorKind::kFormat, where, str("a member ", quoted(key)), "none");
  }
  return *found;
}

namespace {

// The getters of base give nothing for null; here null is an error like any other wrong type.
template <typename Value>
Value present(std::optional<Value> value, std::string_view key, std::string_view where) {
  if (!value) fail_wanted(ErrorKind::kFormat, where, str("a value for ", quoted(key)), "null");
  return *std::move(value);
}

}  // namespace

bool required_bool(const Json& object, std::string_view key, std::string_view where) {
  required(object, key, where);
  return present(get_bool(object, key, where), key, where);
}

std::string required_string(const Json& object, std::string_view key, std::string_view where) {
  required(object, key, where);
  return present(get_string(object, key, where), key, where);
}

std::size_t required_count(const Json& object, std::string_view key, std::string_view where) {
  required(object, key, where);
  const std::int64_t value = present(get_int(object, key, where), key, where);
  if (value < 0) {
    fail_wanted(ErrorKind::kFormat, where, str("a count for ", quoted(key)), str(value));
  }
  return static_cast<std::size_t>(value);
}

const Json& required_array(const Json& object, std::string_view key, std::string_view where) {
  const Json& value = required(object, key, where);
  if (!value.is_array()) {
    fail_wanted(ErrorKind::kFormat, where, str("an array for ", quoted(key)), kind_of(value));
  }
  return value;
}

char32_t required_character(const Json& object, std::string_view key, std::string_view where) {
  const std::string text = required_string(object, key, where);
  if (text.empty() || utf8_sequence_length(text) != text.size()) {
    fail_wanted(ErrorKind::kFormat, where, str("one character for ", quoted(key)), quoted(text));
  }
  return code_point_at(text, 0).value;
}

TokenId token_id_from(const Json& value, std::string_view where) {
  constexpr std::int64_t kMost = std::numeric_limits<TokenId>::max() - 1;
  const bool small = value.is_number_unsigned()
                         ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMost)
                         : value.is_number_integer() && value.get<std::int64_t>() >= 0;
  if (!small) {
    fail_wanted(ErrorKind::kFormat, where, "a token id from 0 to 2147483646",
                value.is_number() ? value.dump() : std::string(kind_of(value)));
  }
  return static_cast<TokenId>(value.get<std::int64_t>());
}

std::string type_of(const Json& component, std::string_view where) {
  return required_string(component, "type", where);
}

void fail_unknown(std::string_view where, std::string_view kind, std::string_view type,
                  std::string_view known) {
  fail_wanted(ErrorKind::kModel, where, str("a ", kind, " we have (", known, ")"), quoted(type));
}

PatternText pattern_text(const Json& component, std::string_view where) {
  const Json& pattern = required(component, "pattern", where);
  if (!pattern.is_object() || pattern.size() != 1) {
    fail_wanted(ErrorKind::kFormat, where, "a pattern {\"String\": ...} or {\"Regex\": ...}",
                kind_of(pattern));
  }
  if (pattern.contains("String")) return {false, required_string(pattern, "String", where)};
  return {true, required_string(pattern, "Regex", where)};
}

}  // namespace xlstm::text
