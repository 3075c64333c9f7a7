// Which of a vocabulary's tokens may come next: one bit each.
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/text/tokenizer.h"

namespace xlstm {

class TokenMask {
 public:
  static constexpr std::int64_t kWordBits = 64;

  // V ids, none of them allowed.
  explicit TokenMask(std::int64_t V)
      : V_(V), words_(static_cast<std::size_t>((V + kWordBits - 1) / kWordBits)) {
    assert(V >= 0);
  }

  std::int64_t V() const { return V_; }

  void set(TokenId id) { word(id) |= bit(id); }
  void reset(TokenId id) { word(id) &= ~bit(id); }
  void clear() { std::fill(words_.begin(), words_.end(), 0); }

  // False for ids outside [0, V).
  bool allows(TokenId id) const {
    if (id < 0 || id >= V_) return false;
    return (words_[static_cast<std::size_t>(id / kWordBits)] & bit(id)) != 0;
  }

  std::int64_t count() const {
    std::int64_t sum = 0;
    for (const std::uint64_t each : words_) sum += std::popcount(each);
    return sum;
  }
  bool none() const {
    return std::all_of(words_.begin(), words_.end(), [](std::uint64_t each) { return each == 0; });
  }

  // [ceil(V / 64)]: id's bit is id % 64 of word id / 64; bits from V on are 0.
  std::span<const std::uint64_t> words() const { return words_; }

  bool operator==(const TokenMask&) const = default;

 private:
  static std::uint64_t bit(TokenId id) { return std::uint64_t{1} << (id % kWordBits); }
  std::uint64_t& word(TokenId id) {
    assert(id >= 0 && id < V_);
    return words_[static_cast<std::size_t>(id / kWordBits)];
  }

  std::int64_t V_;
  std::vector<std::uint64_t> words_;
};

}  // namespace xlstm
