#include "xlstm/text/vocabulary.h"

#include <algorithm>

#include "xlstm/base/error.h"

namespace xlstm::text {

Vocabulary::Vocabulary(const Bpe& model, const AddedTokens& added, std::string_view where)
    : model_(model), added_(added) {
  for (const Bpe::Token& token : model.tokens()) {
    if (!added.tokens().contains(token.id)) entries_.push_back({token.id, token.text});
  }
  for (const auto& [id, token] : added.tokens()) {
    const std::string& shown = added.display_text(id);
    // The reference skips by spelling, and so shows a special token that was normalised.
    entries_.push_back(
        {id, shown, added.is_special_text(token.content), added.is_special_text(shown)});
  }
  if (entries_.empty()) fail_wanted(ErrorKind::kFormat, where, "at least one token", "none");
  std::sort(entries_.begin(), entries_.end(),
            [](const VocabularyEntry& a, const VocabularyEntry& b) { return a.id < b.id; });
}

const VocabularyEntry* Vocabulary::find(TokenId id) const {
  // Ids without gaps are their places.
  const auto place = static_cast<std::size_t>(id);
  if (id >= 0 && place < entries_.size() && entries_[place].id == id) return &entries_[place];
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), id,
      [](const VocabularyEntry& entry, TokenId wanted) { return entry.id < wanted; });
  return found != entries_.end() && found->id == id ? &*found : nullptr;
}

std::optional<TokenId> Vocabulary::id_of(std::string_view token) const {
  if (const std::optional<TokenId> id = added_.id_of(token)) return id;
  return model_.id_of(token);
}

}  // namespace xlstm::text
