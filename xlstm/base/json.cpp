#include "xlstm/base/json.h"

#include <limits>
#include <unordered_set>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

// Builds the value while it watches depth and keys. nlohmann's parser does not recurse, so depth
// here is a matter of what later code may do with the value.
class Builder : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view where, const JsonLimits& limits) : where_(where), limits_(limits) {}

  Json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // not in JSON text

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (!levels_.back().keys.insert(name).second) {
      fail_wanted(ErrorKind::kFormat, where_, "each key once", str(quoted(name), " twice"));
    }
    levels_.back().key = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    // The library's text starts with "[json.exception...] " and may quote the input raw.
    std::string reason = error.what();
    const auto colon = reason.rfind(": ");
    if (colon != std::string::npos) reason = reason.substr(colon + 2);
    fail_wanted(ErrorKind::kFormat, where_, "JSON",
                str("an error at byte ", position, ": ", quoted(reason)));
  }

 private:
  struct Level {
    Json* value;
    std::unordered_set<std::string> keys;
    std::string key;
  };

  // Adds a value where the text is now; returns its place.
  Json* add(Json value) {
    if (levels_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Level& level = levels_.back();
    if (level.value->is_array()) {
      level.value->push_back(std::move(value));
      return &level.value->back();
    }
    return &((*level.value)[std::move(level.key)] = std::move(value));
  }

  bool put(Json value) {
    add(std::move(value));
    return true;
  }

  bool open(Json empty) {
    if (levels_.size() >= limits_.max_depth) {
      fail_wanted(ErrorKind::kFormat, where_, str("nesting of at most ", limits_.max_depth),
                  "more");
    }
    levels_.push_back({add(std::move(empty)), {}, {}});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  std::string_view where_;
  JsonLimits limits_;
  Json root_;
  std::vector<Level> levels_;
};

// The member, or nullptr when it is absent or null.
const Json* member(const Json& object, std::string_view key, std::string_view where) {
  if (!object.is_object()) {
    fail_wanted(ErrorKind::kFormat, where, "an object", kind_of(object));
  }
  const auto found = object.find(std::string(key));
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

[[noreturn]] void fail_kind(const Json& value, std::string_view key, std::string_view where,
                            std::string_view wanted) {
  fail_wanted(ErrorKind::kFormat, where, str(quoted(key), " to be ", wanted), kind_of(value));
}

}  // namespace

Json parse_json(std::string_view text, std::string_view where, const JsonLimits& limits) {
  Builder builder(where, limits);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    fail_wanted(ErrorKind::kFormat, where, "JSON", "something else");
  }
  return builder.take();
}

std::optional<std::int64_t> get_int(const Json& object, std::string_view key,
                                    std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) fail_kind(*value, key, where, "an integer");
  if (value->is_number_unsigned() &&
      value->get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    fail_wanted(ErrorKind::kFormat, where, str(quoted(key), " below 2^63"), value->dump());
  }
  return value->get<std::int64_t>();
}

std::optional<double> get_number(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) fail_kind(*value, key, where, "a number");
  return value->get<double>();
}

std::optional<bool> get_bool(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) fail_kind(*value, key, where, "true or false");
  return value->get<bool>();
}

std::optional<std::string> get_string(const Json& object, std::string_view key,
                                      std::string_view where) {
  const Json* value = member(object, key, where);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail_kind(*value, key, where, "a string");
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
    default:
      return "something else";
  }
}

}  // namespace xlstm
