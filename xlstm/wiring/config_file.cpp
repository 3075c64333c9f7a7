#include "xlstm/wiring/config_file.h"

#include <algorithm>
#include <limits>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

// MLX counts along an axis in 32 bits.
constexpr std::int64_t kLongestAxis = std::numeric_limits<std::int32_t>::max();

// Appends the id, but for -1, which Hugging Face writes for none.
void add_token(const Json& value, const ConfigFile& file, const char* key,
               std::vector<std::int64_t>& ids) {
  constexpr std::int64_t kNone = -1;
  const bool fits = value.is_number_unsigned()
                        ? value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max()
                        : value.is_number_integer() && value.get<std::int64_t>() >= kNone;
  if (!fits) {
    fail_wanted(ErrorKind::kFormat, file.where,
                str("token ids from 0 on, or -1 for none, for ", quoted(key)), described(value));
  }
  if (value.get<std::int64_t>() != kNone) ids.push_back(value.get<std::int64_t>());
}

std::vector<std::int64_t> tokens(const ConfigFile& file, const char* key) {
  std::vector<std::int64_t> ids;
  const auto found = file.root.find(key);
  if (found == file.root.end() || found->is_null()) return ids;
  if (!found->is_array()) {
    add_token(*found, file, key, ids);
    return ids;
  }
  for (const Json& value : *found) add_token(value, file, key, ids);
  return ids;
}

std::optional<std::int64_t> first_token(const ConfigFile& file, const char* key) {
  const std::vector<std::int64_t> ids = tokens(file, key);
  return ids.empty() ? std::nullopt : std::optional(ids.front());
}

}  // namespace

ConfigFile parse_config(std::string_view json, std::string_view where) {
  Json root = parse_json(json, where);
  if (!root.is_object()) fail_wanted(ErrorKind::kFormat, where, "a JSON object", kind_of(root));
  return {std::move(root), std::string(where)};
}

std::optional<std::int64_t> ConfigKeys::count(std::string_view key) {
  return count(key, kLongestAxis);
}

std::optional<std::int64_t> ConfigKeys::count(std::string_view key, std::int64_t most) {
  const auto value = get_int(file_.root, key, file_.where);
  if (!value || (*value >= 1 && *value <= most)) return value;
  refuse_value(key, str("a whole number from 1 to ", most), str(*value));
  return std::nullopt;
}

std::optional<double> ConfigKeys::positive(std::string_view key) {
  const auto value = get_number(file_.root, key, file_.where);
  if (!value) return value;
  const bool fits = *value > 0 && *value <= std::numeric_limits<float>::max();
  if (fits && static_cast<float>(*value) > 0) return value;
  refuse_value(key, "a finite number above 0", str(*value));
  return std::nullopt;
}

float ConfigKeys::positive_or(std::string_view key, float missing) {
  return static_cast<float>(positive(key).value_or(missing));
}

std::optional<float> ConfigKeys::cap(std::string_view key, float missing) {
  const auto found = file_.root.find(std::string(key));
  if (found == file_.root.end()) return missing;
  if (found->is_null()) return std::nullopt;
  return positive_or(key, missing);
}

std::optional<bool> ConfigKeys::flag(std::string_view key) {
  return get_bool(file_.root, key, file_.where);
}

std::optional<std::string> ConfigKeys::text(std::string_view key) {
  return get_string(file_.root, key, file_.where);
}

bool ConfigKeys::require(std::string_view key) {
  const auto found = file_.root.find(std::string(key));
  if (found != file_.root.end() && !found->is_null()) return true;
  refuse(key, "is missing");
  return false;
}

void ConfigKeys::refuse_all_but(std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : file_.root.items()) {
    if (std::ranges::count(known, key) == 0) refuse(key, "is no key of this kind of model");
  }
}

void ConfigKeys::refuse(std::string_view key, std::string_view reason) {
  diagnostics_.add([&] { return str(path_, key, " ", reason); });
}

void ConfigKeys::refuse_value(std::string_view key, std::string_view wanted, std::string_view got) {
  diagnostics_.add([&] { return str(path_, key, ": wanted ", wanted, ", got ", got); });
}

ConfigFile sub_config(const ConfigFile& file, const std::string& key) {
  const std::string where = str(file.where, ": ", key);
  const auto found = file.root.find(key);
  if (found == file.root.end() || found->is_null()) return {Json::object(), where};
  if (!found->is_object()) {
    fail_wanted(ErrorKind::kFormat, where, "an object or null", described(*found));
  }
  return {*found, where};
}

TokenIds read_token_ids(const ConfigFile& file) {
  return {first_token(file, "bos_token_id"), first_token(file, "pad_token_id"),
          tokens(file, "eos_token_id")};
}

}  // namespace xlstm
