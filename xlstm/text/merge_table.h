// Which pairs of tokens merge, in which order, into what: a hash table for reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "xlstm/text/component.h"

namespace xlstm::text {

struct Merge {
  std::uint32_t rank;  // lower ones go first
  TokenId token;
};

class MergeTable {
 public:
  // Room for `pairs` pairs.
  void reserve(std::size_t pairs);

  // Of a pair given twice the last counts. At most as many as reserved.
  void set(TokenId left, TokenId right, const Merge& merge);

  const Merge* find(TokenId left, TokenId right) const {
    if (slots_.empty()) return nullptr;
    const std::uint64_t key = key_of(left, right);
    for (std::size_t at = slot_of(key);; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.key == key) return &slot.merge;
      if (slot.key == kFree) return nullptr;
    }
  }

  std::uint32_t ranks() const { return ranks_; }  // one more than the highest rank

 private:
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};
  struct Slot {
    std::uint64_t key = kFree;  // ids are not negative, so no pair has this key
    Merge merge{};
  };

  static std::uint64_t key_of(TokenId left, TokenId right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
           static_cast<std::uint32_t>(right);
  }
  std::size_t slot_of(std::uint64_t key) const {
    // Fibonacci hashing: the product's high bits depend on all of the key.
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15) >> shift_) & mask_;
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
  unsigned shift_ = 63;
  std::uint32_t ranks_ = 0;
};

}  // namespace xlstm::text
