// How a Bpe is read from JSON; bpe.cpp holds what it does.
#include "xlstm/base/json.h"
#include "xlstm/text/bpe.h"

#include <algorithm>
#include <string>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/text/byte_level.h"
#include "xlstm/text/characters.h"

namespace xlstm::text {
namespace {

std::string name_of_byte(std::size_t byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  return str("<0x", kDigits[byte / 16], kDigits[byte % 16], ">");
}

void refuse_dropout(const Json& json, std::string_view where) {
  const double dropout = get_number(json, "dropout", where).value_or(0.0);
  if (dropout != 0.0) {
    fail_wanted(ErrorKind::kModel, where, "a model without dropout (null or 0)", str(dropout));
  }
}

using Pair = std::pair<std::string_view, std::string_view>;

// "left right"
Pair pair_from(std::string_view text, std::string_view where) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
    fail_wanted(ErrorKind::kFormat, where, "a merge of two tokens with a space between",
                quoted(text));
  }
  return {text.substr(0, space), text.substr(space + 1)};
}

[[noreturn]] void fail_mixed(const Json& json, std::string_view where) {
  fail_wanted(ErrorKind::kFormat, where, "all merges as strings or all as pairs of strings",
              kind_of(json));
}

// ["left", "right"]
Pair pair_from(const Json& json, std::string_view where) {
  if (!json.is_array() || json.size() != 2 || !json[0].is_string() || !json[1].is_string()) {
    fail_mixed(json, where);
  }
  return {json[0].get_ref<const std::string&>(), json[1].get_ref<const std::string&>()};
}

}  // namespace

Bpe::Bpe(const Json& json, std::string_view where) {
  // Files older than the member "type" hold BPE if they have merges.
  const std::string type =
      get_string(json, "type", where).value_or(json.contains("merges") ? "BPE" : "none");
  if (type != "BPE") fail_unknown(where, "model", type, "BPE");
  refuse_dropout(json, where);
  read_vocabulary(required(json, "vocab", where), inside(where, "vocab"));
  read_options(json, where);
  read_merges(required_array(json, "merges", where), inside(where, "merges"));
}

void Bpe::read_vocabulary(const Json& json, std::string_view where) {
  if (!json.is_object()) fail_wanted(ErrorKind::kFormat, where, "an object", kind_of(json));
  tokens_.reserve(json.size());
  for (const auto& [text, id] : json.items()) tokens_.push_back({token_id_from(id, where), text});
  std::sort(tokens_.begin(), tokens_.end(),
            [](const Token& a, const Token& b) { return a.id < b.id; });
  const auto twice = std::adjacent_find(
      tokens_.begin(), tokens_.end(), [](const Token& a, const Token& b) { return a.id == b.id; });
  if (twice != tokens_.end()) {
    fail_wanted(ErrorKind::kFormat, where, str("one token of id ", twice->id),
                str(quoted(twice->text), " and ", quoted((twice + 1)->text)));
  }
  ids_.reserve(tokens_.size());
  for (const Token& token : tokens_) ids_.emplace(token.text, token.id);
}

void Bpe::read_options(const Json& json, std::string_view where) {
  prefix_ = get_string(json, "continuing_subword_prefix", where).value_or("");
  suffix_ = get_string(json, "end_of_word_suffix", where).value_or("");
  fuse_unknown_ = get_bool(json, "fuse_unk", where).value_or(false);
  ignore_merges_ = get_bool(json, "ignore_merges", where).value_or(false);
  if (const auto unknown = get_string(json, "unk_token", where)) {
    unknown_ = id_of(*unknown);
    if (!unknown_) missing_unknown_ = *unknown;  // harmless as long as nothing is unknown
  }
  const bool falls_back = get_bool(json, "byte_fallback", where).value_or(false);
  for (std::size_t byte = 0; byte < byte_symbols_.size(); ++byte) {
    std::string character;
    append_utf8(character, byte_level_character(static_cast<std::uint8_t>(byte)));
    byte_symbols_[byte] = id_of(character);
    if (falls_back) fallback_symbols_[byte] = id_of(name_of_byte(byte));
  }
}

void Bpe::read_merges(const Json& json, std::string_view where) {
  merges_.reserve(json.size());
  const bool are_texts = !json.empty() && json[0].is_string();
  std::uint32_t rank = 0;
  for (const Json& entry : json) {
    if (are_texts) {
      if (!entry.is_string()) fail_mixed(entry, where);
      const std::string& text = entry.get_ref<const std::string&>();
      if (text.starts_with("#version")) continue;  // a merges.txt put in whole
      const Pair pair = pair_from(std::string_view(text), where);
      add_merge(pair.first, pair.second, rank++, where);
    } else {
      const Pair pair = pair_from(entry, where);
      add_merge(pair.first, pair.second, rank++, where);
    }
  }
}

void Bpe::add_merge(std::string_view left, std::string_view right, std::uint32_t rank,
                    std::string_view where) {
  const auto id = [&](std::string_view token) {
    const std::optional<TokenId> found = id_of(token);
    if (!found) {
      fail_wanted(ErrorKind::kFormat, where, str("a token of the vocabulary in merge ", rank),
                  quoted(token));
    }
    return *found;
  };
  const TokenId left_id = id(left), right_id = id(right);
  // Otherwise a pair and a part of it could spell the same token.
  if (left.empty() || right.size() <= prefix_.size()) {
    fail_wanted(ErrorKind::kFormat, where, str("two parts that both add something in merge ", rank),
                str(quoted(left), " and ", quoted(right)));
  }
  const std::string merged = str(left, right.substr(prefix_.size()));
  merges_.set(left_id, right_id, {rank, id(merged)});
}

}  // namespace xlstm::text
