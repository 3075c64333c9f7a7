// Vocabularies and walks that the tests of constraints share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/grammar/constraint.h"
#include "xlstm/grammar/token_trie.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm::test {

inline std::shared_ptr<const TokenTries> tries_of(const std::vector<std::string>& texts) {
  return std::make_shared<const TokenTries>(
      TokenTries{static_cast<std::int64_t>(texts.size()), TokenTrie(texts), std::nullopt});
}

// Token i is byte i.
inline std::shared_ptr<const TokenTries> byte_tries() {
  std::vector<std::string> texts;
  for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
  return tries_of(texts);
}

inline std::filesystem::path classics_folder() {
  return std::filesystem::path(XLSTM_SOURCE_DIR) / "models" / "classics-8m";
}

inline std::vector<TokenId> ids_in(const TokenMask& mask) {
  std::vector<TokenId> ids;
  for (TokenId id = 0; id < mask.V(); ++id) {
    if (mask.allows(id)) ids.push_back(id);
  }
  return ids;
}

// Whether each byte of `text` in turn is allowed; `constraint` has then read it.
inline bool reads(Constraint& constraint, const std::string& text) {
  TokenMask mask(256);
  for (const char byte : text) {
    const auto id = static_cast<TokenId>(static_cast<unsigned char>(byte));
    constraint.allow(mask);
    if (!mask.allows(id)) return false;
    constraint.accept(id);
  }
  return true;
}

}  // namespace xlstm::test
