// config.json of any family: its keys with the checks that every key of a kind gets.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "xlstm/base/json.h"
#include "xlstm/wiring/diagnostics.h"

namespace xlstm {

// The most values of a series that a model is to read, or to forecast at once: more than any does,
// and few enough for what is computed of them to be counted.
inline constexpr std::int64_t kMostSeriesValues = std::int64_t{1} << 24;

struct ConfigFile {
  Json root;          // an object
  std::string where;  // names it in errors
};

// Throws Error(kFormat) where the text is no JSON object.
ConfigFile parse_config(std::string_view json, std::string_view where);

// A missing key or null gives nothing. A key of the wrong type throws Error(kFormat); values out of
// range are faults.
class ConfigKeys {
 public:
  // Both must outlive this. `path` stands before keys in faults: "stack_config.".
  ConfigKeys(const ConfigFile& file, Diagnostics& diagnostics, std::string path = "")
      : file_(file), diagnostics_(diagnostics), path_(std::move(path)) {}

  std::optional<std::int64_t> count(std::string_view key);  // from 1 to what an axis can hold
  std::optional<std::int64_t> count(std::string_view key, std::int64_t most);
  std::optional<double> positive(std::string_view key);  // finite and above 0, also as float32
  float positive_or(std::string_view key, float missing);
  std::optional<float> cap(std::string_view key, float missing);  // null: no cap
  std::optional<bool> flag(std::string_view key);
  std::optional<std::string> text(std::string_view key);

  // A fault where the key is missing or null; whether it is there.
  bool require(std::string_view key);
  // A fault for each key that is none of these.
  void refuse_all_but(std::initializer_list<std::string_view> known);
  // Adds the fault "key reason".
  void refuse(std::string_view key, std::string_view reason);

 private:
  void refuse_value(std::string_view key, std::string_view wanted, std::string_view got);

  const ConfigFile& file_;
  Diagnostics& diagnostics_;
  std::string path_;
};

// The object under `key` as a file of its own; an empty one where the key is missing or null.
// Throws Error(kFormat) where it is anything else.
ConfigFile sub_config(const ConfigFile& file, const std::string& key);

// "bos_token_id", "eos_token_id", "pad_token_id" of a config.json or generation_config.json: each a
// number or a list of them, -1 for none.
struct TokenIds {
  std::optional<std::int64_t> bos, pad;  // the first of a list
  std::vector<std::int64_t> eos;
};

// Throws Error(kFormat) for anything else.
TokenIds read_token_ids(const ConfigFile& file);

}  // namespace xlstm
