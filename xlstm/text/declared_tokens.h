// What a TokenizerConfig makes of a tokenizer.json's tokens.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "xlstm/text/added_tokens.h"
#include "xlstm/text/tokenizer_config.h"

namespace xlstm::text {

// `tokens`, those of the tokenizer.json, and those that the config adds or changes.
std::vector<AddedToken> with_declared(std::vector<AddedToken> tokens,
                                      const TokenizerConfig& config);

struct SpecialIds {
  // By name, else by well-known texts (<|endoftext|>, <s>, </s>, ...).
  std::optional<TokenId> bos, eos, pad;
  // By name alone.
  std::optional<TokenId> named_bos;
  std::vector<TokenId> named_ends;
};

using IdOf = std::function<std::optional<TokenId>(std::string_view token)>;
SpecialIds special_ids(const TokenizerConfig& config, const IdOf& id_of);

}  // namespace xlstm::text
