#include "xlstm/base/json.h"

#include <limits>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

// The member, or null where there is nothing to get.
const Json* member(const Json& object, std::string_view key, std::string_view where) {
  if (!object.is_object()) {
    fail_wanted(ErrorKind::kFormat, where, str("an object with ", quoted(key)), kind_of(object));
  }
  const auto found = object.find(std::string(key));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void fail_member(std::string_view where, std::string_view key, std::string_view wanted,
                              const Json& value) {
  fail_wanted(ErrorKind::kFormat, where, str(wanted, " for ", quoted(key)), described(value));
}

}  // namespace

std::optional<std::int64_t> get_int(const Json& object, std::string_view key,
                                    std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) return std::nullopt;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (!value->is_number_integer() ||
      (value->is_number_unsigned() && value->get<std::uint64_t>() > kMost)) {
    fail_member(where, key, "a whole number of 64 bits", *value);
  }
  return value->get<std::int64_t>();
}

std::optional<double> get_number(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) fail_member(where, key, "a number", *value);
  return value->get<double>();
}

std::optional<bool> get_bool(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) fail_member(where, key, "true or false", *value);
  return value->get<bool>();
}

std::optional<std::string> get_string(const Json& object, std::string_view key,
                                      std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail_member(where, key, "a string", *value);
  return value->get<std::string>();
}

std::string_view kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return "a number";
    case Json::value_t::binary:
      return "binary data";
    case Json::value_t::discarded:
      break;
  }
  return "nothing";
}

std::string described(const Json& value) {
  const std::string_view kind = kind_of(value);
  if (value.is_string()) return str(kind, ": ", quoted(value.get_ref<const std::string&>()));
  if (value.is_number() || value.is_boolean()) return str(kind, ": ", value.dump());
  return std::string(kind);
}

}  // namespace xlstm
