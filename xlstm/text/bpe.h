// The BPE model of a tokenizer.json: pieces of text -> token ids.
// Source: Sennrich, Haddow, Birch 2016, "Neural Machine Translation of Rare Words with Subword
// Units"; the details as the reference implementation has them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "xlstm/text/component.h"
#include "xlstm/text/merge_table.h"
#include "xlstm/text/merging.h"
#include "xlstm/text/piece_cache.h"
#include "xlstm/text/progress.h"

namespace xlstm::text {

// What one call keeps from piece to piece. No use any more once the progress has thrown.
struct BpeScratch {
  BpeScratch(std::size_t text_size, Progress& report_to) : progress(report_to), cache(text_size) {}
  Progress& progress;
  PieceCache cache;
  Merging merging;
  std::vector<TokenId> symbols;
};

class Bpe {
 public:
  // From the member "model". Throws Error: kFormat, kModel.
  Bpe(const Json& json, std::string_view where);

  // Appends the ids of a piece of text.
  void encode(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& ids) const;

  // The same for a piece whose bytes stand for their byte-level characters (byte_level.h).
  void encode_bytes(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& ids) const;

  struct Token {
    TokenId id;
    std::string text;
  };
  const std::vector<Token>& tokens() const { return tokens_; }  // by rising id
  std::optional<TokenId> id_of(std::string_view token) const;

 private:
  void read_vocabulary(const Json& json, std::string_view where);
  void read_merges(const Json& json, std::string_view where);
  void read_options(const Json& json, std::string_view where);
  void add_merge(std::string_view left, std::string_view right, std::uint32_t rank,
                 std::string_view where);

  bool symbols_of_bytes(std::string_view piece, std::vector<TokenId>& symbols) const;
  void symbols_of(std::string_view piece, std::vector<TokenId>& symbols) const;
  bool has_unknown(std::string_view character) const;
  bool byte_fallback(std::string_view character, std::vector<TokenId>& symbols) const;
  void merge(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& ids) const;

  std::vector<Token> tokens_;
  std::unordered_map<std::string_view, TokenId> ids_;  // views of tokens_
  MergeTable merges_;

  std::string prefix_;  // of every symbol but a piece's first
  std::string suffix_;  // of a piece's last
  std::optional<TokenId> unknown_;
  std::string missing_unknown_;  // the name of one that the vocabulary lacks
  bool fuse_unknown_ = false;
  bool ignore_merges_ = false;  // a piece that is a token is that token

  // By byte: the symbol of its byte-level character, of "<0x..>".
  std::array<std::optional<TokenId>, 256> byte_symbols_;
  std::array<std::optional<TokenId>, 256> fallback_symbols_;
};

}  // namespace xlstm::text
