#include "xlstm/grammar/token_trie.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first;
  return static_cast<std::size_t>(end - a.begin());
}

bool is_text(std::string_view bytes) {
  return utf8_first_error(bytes) == std::string_view::npos;
}

// A token to put before others, of which no decoder takes anything off: "a" for choice.
std::optional<TokenId> plain_token(const Tokenizer& tokenizer) {
  for (TokenId id = 0; id <= tokenizer.max_id(); ++id) {
    if (tokenizer.is_hidden(id) || tokenizer.is_added(id)) continue;
    const std::string bytes = tokenizer.token_bytes(id);
    if (bytes.size() == 1 && bytes[0] >= 'a' && bytes[0] <= 'z') return id;
  }
  return std::nullopt;
}

void check_neighbours(const Tokenizer& tokenizer, TokenId before, std::string_view text_before,
                      TokenId id, std::string_view bytes) {
  const std::string both = tokenizer.decode(std::array{before, id});
  if (both.starts_with(text_before) && both.substr(text_before.size()) == bytes) return;
  fail_wanted(ErrorKind::kModel, "constraint",
              "a tokenizer whose tokens add the same text whatever stands beside them",
              str("token ", id, ": ", quoted(bytes), " by itself, ", quoted(both), " behind ",
                  quoted(text_before)));
}

}  // namespace

TokenTrie::TokenTrie(const std::vector<std::string>& texts) {
  begin_.reserve(texts.size() + 1);
  begin_.push_back(0);
  for (std::size_t id = 0; id < texts.size(); ++id) {
    if (texts[id].size() > kMaxTokenBytes) {
      fail_wanted(ErrorKind::kModel, "constraint",
                  str("tokens of at most ", kMaxTokenBytes, " bytes"),
                  str("token ", id, " with ", texts[id].size()));
    }
    bytes_ += texts[id];
    if (bytes_.size() > std::numeric_limits<std::uint32_t>::max()) {
      fail_wanted(ErrorKind::kModel, "constraint", "a vocabulary below 4 GiB", "a larger one");
    }
    begin_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    if (!texts[id].empty()) tokens_.push_back(static_cast<TokenId>(id));
  }
  sort_tokens();
  std::vector<std::uint32_t> open;  // the nodes of the last token, from the root
  std::string_view last;
  const auto close = [&](std::size_t depth) {
    for (; open.size() > depth; open.pop_back()) {
      nodes_[open.back()].behind = static_cast<std::uint32_t>(nodes_.size());
    }
  };
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view token = text(tokens_[i]);
    close(common_prefix(last, token));
    for (std::size_t depth = open.size(); depth < token.size(); ++depth) {
      open.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({0, static_cast<std::uint32_t>(i), static_cast<std::uint16_t>(depth + 1),
                        static_cast<std::uint8_t>(token[depth])});
    }
    max_depth_ = std::max(max_depth_, token.size());
    last = token;
  }
  close(0);
  const auto end = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({end, static_cast<std::uint32_t>(tokens_.size()), 0, 0});
}

// By text and then by id. Most comparisons are decided by a text's first bytes, which stand in line
// for them; looked up each time they would be waited for.
void TokenTrie::sort_tokens() {
  struct Key {
    std::uint64_t beginning;  // the first eight bytes, the first of them on top
    TokenId id;
  };
  std::vector<Key> keys;
  keys.reserve(tokens_.size());
  for (const TokenId id : tokens_) {
    const std::string_view token = text(id);
    std::uint64_t beginning = 0;
    for (std::size_t i = 0; i < sizeof(beginning); ++i) {
      const auto byte = i < token.size() ? static_cast<std::uint8_t>(token[i]) : std::uint8_t{0};
      beginning = beginning << 8 | byte;
    }
    keys.push_back({beginning, id});
  }
  std::sort(keys.begin(), keys.end(), [this](const Key& a, const Key& b) {
    if (a.beginning != b.beginning) return a.beginning < b.beginning;
    const int order = text(a.id).compare(text(b.id));
    return order != 0 ? order < 0 : a.id < b.id;
  });
  for (std::size_t i = 0; i < keys.size(); ++i) tokens_[i] = keys[i].id;
}

std::string_view TokenTrie::text(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) + 1 >= begin_.size()) return {};
  const std::uint32_t begin = begin_[static_cast<std::size_t>(id)];
  return std::string_view(bytes_).substr(begin, begin_[static_cast<std::size_t>(id) + 1] - begin);
}

std::shared_ptr<const TokenTries> TokenTries::of(const Tokenizer& tokenizer, std::int64_t V) {
  if (V < 0 || V > std::numeric_limits<TokenId>::max()) {
    fail_wanted(ErrorKind::kUsage, "constraint", "a vocabulary of 0 to 2^31 - 1 ids", str(V));
  }
  std::vector<std::string> later(static_cast<std::size_t>(V)), first = later;
  const std::optional<TokenId> before = plain_token(tokenizer);
  const std::string text_before = before ? tokenizer.decode(std::array{*before}) : "";
  const auto end = static_cast<TokenId>(std::min<std::int64_t>(V, tokenizer.max_id() + 1LL));
  for (TokenId id = 0; id < end; ++id) {
    if (!tokenizer.has_token(id) || tokenizer.is_hidden(id) || tokenizer.is_special(id)) continue;
    std::string bytes = tokenizer.token_bytes(id);
    const bool is_whole = is_text(bytes);
    if (before && is_whole) check_neighbours(tokenizer, *before, text_before, id, bytes);
    const auto at = static_cast<std::size_t>(id);
    first[at] = is_whole ? tokenizer.decode(std::array{id}) : bytes;
    later[at] = std::move(bytes);
  }
  const bool are_same = first == later;
  TokenTrie trie(later);
  std::optional<TokenTrie> first_trie;
  if (!are_same) first_trie.emplace(first);
  return std::make_shared<const TokenTries>(TokenTries{V, std::move(trie), std::move(first_trie)});
}

}  // namespace xlstm
