#include "xlstm/text/declared_tokens.h"

#include <initializer_list>
#include <unordered_set>
#include <utility>

namespace xlstm::text {
namespace {

std::string text_and_flags(const AddedToken& token) {
  std::string key = token.content;
  for (const bool one :
       {token.single_word, token.lstrip, token.rstrip, token.normalized, token.special}) {
    key += one ? '1' : '0';
  }
  return key;
}

std::optional<TokenId> first_known(const IdOf& id_of,
                                   std::initializer_list<std::string_view> texts) {
  for (const std::string_view text : texts) {
    if (const std::optional<TokenId> id = id_of(text)) return id;
  }
  return std::nullopt;
}

std::optional<TokenId> id_from(const TokenName& name, const IdOf& id_of,
                               std::initializer_list<std::string_view> texts) {
  if (!name.is_declared) return first_known(id_of, texts);
  return name.token ? id_of(*name.token) : std::nullopt;
}

}  // namespace

std::vector<AddedToken> with_declared(std::vector<AddedToken> tokens,
                                      const TokenizerConfig& config) {
  std::unordered_set<std::string> known, added;
  std::unordered_set<std::string> names;
  for (const DeclaredToken& name : config.named) names.insert(name.token.content);
  const auto is_named = [&](const AddedToken& token) { return names.contains(token.content); };
  for (AddedToken& token : tokens) {
    known.insert(token.content);
    if (!config.has_declared) token.special = token.special || is_named(token);
  }
  const auto add = [&](const DeclaredToken& declared) {
    AddedToken token = declared.token;
    token.special = token.special || is_named(token);
    if (!declared.has_normalized) token.normalized = !token.special;
    tokens.push_back(std::move(token));
  };
  for (const DeclaredToken& declared : config.declared) {
    known.insert(declared.token.content);
    add(declared);
  }
  for (const auto* list : {&config.named, &config.extra}) {
    for (const DeclaredToken& declared : *list) {
      // Of two with the same text and other flags the later counts.
      const bool is_known = known.contains(declared.token.content);
      if (!is_known && added.insert(text_and_flags(declared.token)).second) add(declared);
    }
  }
  return tokens;
}

SpecialIds special_ids(const TokenizerConfig& config, const IdOf& id_of) {
  SpecialIds ids;
  ids.bos = id_from(config.bos, id_of,
                    {"<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>", "<|endoftext|>"});
  ids.eos = id_from(config.eos, id_of, {"</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>"});
  ids.pad = id_from(config.pad, id_of, {"<pad>", "<|padding|>", "<|pad|>", "[PAD]"});
  ids.named_bos = id_from(config.bos, id_of, {});
  for (const std::string& end : config.ends) {
    if (const std::optional<TokenId> id = id_of(end)) ids.named_ends.push_back(*id);
  }
  return ids;
}

}  // namespace xlstm::text
