#include "xlstm/text/tokenizer_config.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/text/key_order.h"

namespace xlstm::text {
namespace {

// Special tokens that have a name of their own, in the order in which they are added.
constexpr const char* kNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                  "pad_token", "cls_token", "mask_token"};

bool flag(const Json& token, std::string_view key, std::string_view where, bool missing) {
  return get_bool(token, key, where).value_or(missing);
}

// {"content": "<x>", "lstrip": true, ...}; flags that are missing are false.
DeclaredToken token_from_object(const Json& json, std::string_view where) {
  AddedToken token;
  token.content = required_string(json, "content", where);
  token.special = flag(json, "special", where, false);
  token.single_word = flag(json, "single_word", where, false);
  token.lstrip = flag(json, "lstrip", where, false);
  token.rstrip = flag(json, "rstrip", where, false);
  const std::optional<bool> normalized = get_bool(json, "normalized", where);
  token.normalized = normalized.value_or(!token.special);
  return {std::move(token), normalized.has_value()};
}

// A token as a file writes it: its text or an object.
DeclaredToken token_from(const Json& json, std::string_view where) {
  if (json.is_object()) return token_from_object(json, where);
  if (json.is_string()) return {{.content = json.get<std::string>(), .special = true}};
  fail_wanted(ErrorKind::kFormat, where, "a token's text or an object with its \"content\"",
              described(json));
}

// In a special_tokens_map.json all are special.
DeclaredToken special_token_from(Json json, std::string_view where) {
  if (json.is_object()) json["special"] = true;
  return token_from(json, where);
}

// One of the two files.
struct File {
  File(std::string_view text, std::string place, bool makes_special)
      : where(std::move(place)),
        json(text.empty() ? Json::object() : parse_json(text, where)),
        all_special(makes_special) {
    if (!json.is_object()) fail_wanted(ErrorKind::kFormat, where, "an object", kind_of(json));
    keys = key_order(text);
    extra_keys = key_order(text, "extra_special_tokens");
  }

  const Json* find(const std::string& key) const {
    const auto found = json.find(key);
    return found == json.end() ? nullptr : &*found;
  }
  // The member, unless it is null.
  const Json* value(const std::string& key) const {
    const Json* found = find(key);
    return found == nullptr || found->is_null() ? nullptr : found;
  }
  DeclaredToken token(const Json& value, std::string_view key) const {
    const std::string place = inside(where, key);
    return all_special ? special_token_from(value, place) : token_from(value, place);
  }

  std::string where;
  Json json;
  bool all_special;
  std::vector<std::string> keys, extra_keys;
};

bool is_listed_name(std::string_view key) {
  return std::find(std::begin(kNames), std::end(kNames), key) != std::end(kNames);
}

// Such as "image_token", of one kind of model only.
bool is_other_name(std::string_view key, const Json& value) {
  return key.ends_with("_token") && !is_listed_name(key) &&
         (value.is_string() || value.is_object());
}

// Names of a kind of model, those of tokens with flags first, as they are collected there.
void add_other_names(const File& file, std::vector<DeclaredToken>& named) {
  for (const bool with_flags : {true, false}) {
    for (const std::string& key : file.keys) {
      const Json& value = file.json[key];
      if (is_other_name(key, value) && value.is_object() == with_flags) {
        named.push_back(file.token(value, key));
      }
    }
  }
}

TokenName name_in(const File& file, const std::string& key) {
  const Json* found = file.find(key);
  if (found == nullptr) return {};
  if (found->is_null()) return {true, std::nullopt};
  return {true, file.token(*found, key).token.content};
}

std::vector<DeclaredToken> declared_in(const File& config, const Json& decoder) {
  const std::string where = inside(config.where, "added_tokens_decoder");
  if (!decoder.is_object()) fail_wanted(ErrorKind::kFormat, where, "an object", kind_of(decoder));
  std::map<std::int64_t, DeclaredToken> by_id;
  for (const auto& [key, value] : decoder.items()) {
    std::int64_t id = -1;
    const auto [end, problem] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (problem != std::errc() || end != key.data() + key.size() || id < 0) {
      fail_wanted(ErrorKind::kFormat, where, "token ids for keys", quoted(key));
    }
    by_id[id] = token_from_object(value, where);
  }
  std::vector<DeclaredToken> tokens;
  for (auto& entry : by_id) tokens.push_back(std::move(entry.second));
  return tokens;
}

// "extra_special_tokens", or by its older name; an object gives names, a list does not.
void add_extra(const File& file, TokenizerConfig& config) {
  const Json* extra = file.value("extra_special_tokens");
  const std::string key = extra != nullptr ? "extra_special_tokens" : "additional_special_tokens";
  if (extra == nullptr) extra = file.value(key);
  if (extra == nullptr) return;
  if (extra->is_object() && key == "extra_special_tokens") {
    for (const std::string& name : file.extra_keys) {
      config.named.push_back(file.token((*extra)[name], key));
    }
  } else if (extra->is_array()) {
    for (const Json& one : *extra) config.extra.push_back(file.token(one, key));
  } else {
    fail_wanted(ErrorKind::kFormat, inside(file.where, key), "an array of tokens", kind_of(*extra));
  }
}

// Whether by either name, be the list empty.
bool lists_extra(const File& file) {
  const Json* extra = file.find("extra_special_tokens");
  return extra != nullptr ? !extra->is_object() : file.find("additional_special_tokens") != nullptr;
}

void add_end(const TokenName& name, std::vector<std::string>& ends) {
  if (!name.token || std::find(ends.begin(), ends.end(), *name.token) != ends.end()) return;
  ends.push_back(*name.token);
}

}  // namespace

TokenizerConfig read_tokenizer_config(std::string_view config_json, std::string_view map_json,
                                      std::string_view where) {
  const File config(config_json, inside(where, "tokenizer_config.json"), false);
  const File map(map_json, inside(where, "special_tokens_map.json"), true);
  const Json* decoder = config.value("added_tokens_decoder");
  const bool map_wins = decoder == nullptr;

  TokenizerConfig out;
  out.has_declared = decoder != nullptr;
  if (decoder != nullptr) out.declared = declared_in(config, *decoder);
  const auto name = [&](const std::string& key) {
    const TokenName here = name_in(config, key), there = name_in(map, key);
    return there.is_declared && (map_wins || !here.is_declared) ? there : here;
  };
  for (const char* key : kNames) {
    const File& file = map_wins && map.find(key) != nullptr ? map : config;
    if (const Json* value = file.value(key)) out.named.push_back(file.token(*value, key));
  }
  if (map_wins) add_other_names(map, out.named);
  add_other_names(config, out.named);
  add_extra(config, out);
  if (map_wins && (!lists_extra(config) || map.value("extra_special_tokens") != nullptr)) {
    add_extra(map, out);
  }
  out.bos = name("bos_token");
  out.eos = name("eos_token");
  out.pad = name("pad_token");
  add_end(out.eos, out.ends);
  add_end(name_in(config, "eos_token"), out.ends);
  add_end(name_in(map, "eos_token"), out.ends);
  out.add_bos = get_bool(config.json, "add_bos_token", config.where);
  out.add_eos = get_bool(config.json, "add_eos_token", config.where);
  return out;
}

}  // namespace xlstm::text
