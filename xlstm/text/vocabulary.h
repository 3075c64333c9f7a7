// All tokens, the model's and the added ones, by id and by spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/text/added_tokens.h"
#include "xlstm/text/bpe.h"

namespace xlstm::text {

struct VocabularyEntry {
  TokenId id;
  std::string text;         // what goes into the decoder
  bool is_special = false;  // an added token marked special
  bool is_skipped = false;  // when decoding without special tokens
};

class Vocabulary {
 public:
  // Refers to both; where both have an id, the added token counts. Throws Error(kFormat) where
  // neither has a token.
  Vocabulary(const Bpe& model, const AddedTokens& added, std::string_view where);

  // nullptr for an id without a token.
  const VocabularyEntry* find(TokenId id) const;
  std::optional<TokenId> id_of(std::string_view token) const;
  TokenId max_id() const { return entries_.back().id; }

 private:
  const Bpe& model_;
  const AddedTokens& added_;
  std::vector<VocabularyEntry> entries_;  // by rising id
};

}  // namespace xlstm::text
