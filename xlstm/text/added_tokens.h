// Tokens that are cut out of the text before it is encoded: <|endoftext|>, runs of spaces, ...
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "xlstm/text/component.h"
#include "xlstm/text/multi_pattern.h"
#include "xlstm/text/normalizer.h"

namespace xlstm::text {

struct AddedToken {
  std::string content;
  bool single_word = false;  // not beside a letter
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and after it
  bool normalized = false;   // is searched in the normalised text, in its own normalised form
  bool special = false;
};

// From the member "added_tokens", which may be missing (null).
std::vector<AddedToken> read_added_tokens(const Json& json, std::string_view where);

// A segment of text, or a token that was found in it.
struct TextSegment {
  std::string_view text;
  std::optional<TokenId> token;
};

class AddedTokens {
 public:
  // `vocabulary` gives the id of a token of the model. As in the reference, the ids that the file
  // declares do not count: a token is the model's of that spelling, or comes after the model's. Of
  // tokens with the same content the last counts.
  template <typename Vocabulary>
  AddedTokens(std::vector<AddedToken> tokens, const Vocabulary& vocabulary,
              std::size_t vocabulary_size, const Normalizer* normalizer) {
    for (AddedToken& token : tokens) {
      std::optional<TokenId> id = id_of(token.content);
      if (!id) id = vocabulary(token.content);
      add(std::move(token), id, vocabulary_size, normalizer);
    }
    build();
  }

  const std::unordered_map<TokenId, AddedToken>& tokens() const { return tokens_; }
  // What stands for a token in decoded text: its normalised form where it has one.
  const std::string& display_text(TokenId id) const;
  std::optional<TokenId> id_of(std::string_view content) const;

  // Whether some special token has this text.
  bool is_special_text(const std::string& text) const { return special_.contains(text); }

  // Cuts out the texts of special tokens that are hidden in decoded text, whatever their flags.
  std::vector<TextSegment> split_hidden(std::string_view text) const;

  // Cuts tokens out: those that are not normalised from the text as it came (`normalized` false),
  // the others from the normalised text. Without `parse_special` special ones are ordinary text.
  std::vector<TextSegment> split(std::string_view text, bool normalized, bool parse_special) const;

 private:
  void add(AddedToken token, std::optional<TokenId> id, std::size_t vocabulary_size,
           const Normalizer* normalizer);
  void build();

  std::unordered_map<std::string, TokenId> ids_;
  std::unordered_map<TokenId, AddedToken> tokens_;
  std::unordered_map<TokenId, std::string> normal_forms_;  // where they differ from the content
  std::unordered_set<std::string> special_;
  std::optional<TokenId> next_id_;
  MultiPattern raw_, normalized_, hidden_;
};

}  // namespace xlstm::text
