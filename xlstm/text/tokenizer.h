// Text <-> token ids, as the Hugging Face `tokenizers` library computes them from a tokenizer.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/text/decoder_state.h"

namespace xlstm {

using TokenId = std::int32_t;

struct EncodeOptions {
  // Apply the tokenizer's post-processor template (BOS, EOS where it asks for them).
  bool add_special_tokens = false;
  // Recognise special added tokens such as <|endoftext|> inside the text. Off, their text is
  // encoded as ordinary characters.
  bool parse_special_tokens = true;
  // Called now and then on a long text with the share of it that is done, 0 to 1. It may throw to
  // stop.
  std::function<void(double)> on_progress = {};
};

// A segment of text, or the text of a token.
struct TextOrToken {
  std::string_view text;
  std::optional<TokenId> token;
};

// Of a tokenizer.json "truncation" and "padding" are not applied: they belong to one use of a
// tokenizer, and to cut a prompt is not ours to do.
class Tokenizer {
 public:
  // `path` is a tokenizer.json, or a folder that holds one and perhaps a tokenizer_config.json and
  // a special_tokens_map.json, whose tokens count as transformers' fast tokenizers count them.
  // Throws Error: kFile (unreadable), kFormat (malformed), kModel (a component we do not know, by
  // name).
  static Tokenizer open(const std::filesystem::path& path);

  // The same from texts already read; all but the first may be empty. `where` names them in errors.
  static Tokenizer parse(std::string_view tokenizer_json, std::string_view config_json,
                         std::string_view where, std::string_view special_tokens_map_json = "");

  // Throws Error(kUsage) when `text` is not UTF-8, naming the offset; what on_progress throws
  // passes.
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const;

  // Bytes that are not UTF-8 become U+FFFD, as the reference does. Ids without a token are skipped.
  std::string decode(std::span<const TokenId> ids, bool skip_special_tokens = true) const;

  // The bytes that `id` stands for in running text ("" for an id without a token). A byte-level
  // token may end inside a character: use Detokenizer for streams.
  std::string token_bytes(TokenId id) const;

  bool has_token(TokenId id) const;   // false for padding rows of the vocabulary
  bool is_special(TokenId id) const;  // added tokens marked special
  bool is_added(TokenId id) const;    // also those that are not
  bool is_hidden(TokenId id) const;   // decode() leaves it out
  std::optional<TokenId> token_to_id(std::string_view token) const;  // by its vocabulary spelling
  TokenId max_id() const;                                            // the largest id with a token
  // The token that `text` as a whole is: a special one, or what it is encoded as, if that is one.
  std::optional<TokenId> single_token(std::string_view text) const;

  // Cuts the texts of hidden tokens out of `text`.
  std::vector<TextOrToken> split_hidden(std::string_view text) const;

  // From tokenizer_config.json and special_tokens_map.json, else from well-known names
  // (<|endoftext|>, <s>, </s>, ...) if present.
  std::optional<TokenId> bos_id() const;
  std::optional<TokenId> eos_id() const;
  std::optional<TokenId> pad_id() const;

  // From the two files alone; they may differ on which token is the end.
  std::optional<TokenId> named_bos_id() const;
  std::vector<TokenId> named_end_ids() const;

 private:
  struct Impl;
  explicit Tokenizer(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;  // immutable: copies are cheap and thread-safe
  friend class Detokenizer;
};

// Turns a stream of ids into text that never ends inside a character. All that push() and finish()
// return, joined, is what Tokenizer::decode makes of the ids. A copy goes on from the same place.
class Detokenizer {
 public:
  explicit Detokenizer(Tokenizer tokenizer, bool skip_special_tokens = true);

  // The text that `id` completes; may be empty while a character is still open, or while text
  // depends on what follows (a run of byte-fallback tokens).
  std::string push(TokenId id);

  // What is still open, as U+FFFD; starts afresh afterwards.
  std::string finish();

 private:
  Tokenizer tokenizer_;
  bool skip_special_tokens_;
  std::vector<DecoderState> states_;
};

}  // namespace xlstm
