// A vocabulary as a tree of bytes: tokens that begin alike are looked at together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/text/tokenizer.h"

namespace xlstm {

// Nodes in preorder. A walk goes through them by rising index, and where a node's byte does not fit
// it goes on at `behind` the node.
class TokenTrie {
 public:
  struct Node {
    std::uint32_t behind;       // the first node that is not below this one
    std::uint32_t first_token;  // in tokens_in_order(); the next node's is the end
    std::uint16_t depth;        // bytes from the root, from 1; tokens have at most kMaxTokenBytes
    std::uint8_t byte;
  };
  static constexpr std::size_t kMaxTokenBytes = 65'535;

  // texts[id] is what a token adds; "" for ids that never come. Throws Error(kModel) for a token
  // of more than kMaxTokenBytes.
  explicit TokenTrie(const std::vector<std::string>& texts);

  std::size_t size() const { return nodes_.size() - 1; }
  // [size() + 1]: the last one is below nothing and only bounds the tokens.
  std::span<const Node> nodes() const { return nodes_; }
  // Of the tokens that end at a node.
  std::span<const TokenId> tokens_at(std::size_t node) const {
    return tokens_between(nodes_[node].first_token, nodes_[node + 1].first_token);
  }
  std::size_t max_depth() const { return max_depth_; }

  // "" for ids that never come, and ids outside the vocabulary.
  std::string_view text(TokenId id) const;

 private:
  void sort_tokens();
  std::span<const TokenId> tokens_between(std::uint32_t first, std::uint32_t last) const {
    return std::span(tokens_).subspan(first, last - first);
  }

  std::vector<Node> nodes_;
  std::vector<TokenId> tokens_;       // in the order of their texts
  std::string bytes_;                 // all texts
  std::vector<std::uint32_t> begin_;  // [V + 1]: of a text in bytes_
  std::size_t max_depth_ = 0;
};

// What the tokens of a tokenizer add to an answer. Made once for a tokenizer and shared.
struct TokenTries {
  // Of V ids: special and hidden tokens never come, nor do those that add nothing. Throws
  // Error(kModel) where what a token adds depends on its neighbours (a decoder that puts spaces
  // between tokens).
  static std::shared_ptr<const TokenTries> of(const Tokenizer& tokenizer, std::int64_t V);

  const TokenTrie& at(bool is_first_token) const {
    return is_first_token && first ? *first : later;
  }

  std::int64_t V;
  TokenTrie later;
  std::optional<TokenTrie> first;  // where an answer's first token adds less: SentencePiece's space
};

}  // namespace xlstm
