// The ids of short pieces seen before.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "xlstm/text/component.h"

namespace xlstm::text {

// Direct-mapped: a new piece takes the place of an older one with the same hash.
class PieceCache {
 public:
  static constexpr std::size_t kLongestPiece = 16;  // bytes
  static constexpr std::size_t kMostIds = 7;

  // Sized for a text of so many bytes.
  explicit PieceCache(std::size_t text_size) {
    constexpr std::size_t kFewest = 16, kMost = 1 << 14, kBytesPerEntry = 16;
    entries_.resize(std::bit_ceil(std::clamp(text_size / kBytesPerEntry, kFewest, kMost)));
    shift_ = 64 - static_cast<unsigned>(std::bit_width(entries_.size() - 1));
  }

  struct Entry {
    std::array<std::uint64_t, 2> key{};  // the piece's bytes, zeros after them
    std::uint8_t piece_size = 0;         // 0: free
    std::uint8_t count = 0;
    std::array<TokenId, kMostIds> ids{};

    bool is(const Entry& other) const { return key == other.key && piece_size == other.piece_size; }
  };

  static bool fits(std::string_view piece) {
    return !piece.empty() && piece.size() <= kLongestPiece;
  }

  // The place of a piece that fits; `wanted` gets its key.
  Entry& place(std::string_view piece, Entry& wanted) {
    std::memcpy(wanted.key.data(), piece.data(), piece.size());
    wanted.piece_size = static_cast<std::uint8_t>(piece.size());
    const std::uint64_t mixed =
        (wanted.key[0] ^ std::rotl(wanted.key[1] * 0xC2B2AE3D27D4EB4F, 29)) * 0x9E3779B97F4A7C15;
    return entries_[static_cast<std::size_t>(mixed >> shift_) & (entries_.size() - 1)];
  }

  static void store(Entry& place, const Entry& wanted, std::span<const TokenId> ids) {
    if (ids.size() > kMostIds) return;
    place.key = wanted.key;
    place.piece_size = wanted.piece_size;
    place.count = static_cast<std::uint8_t>(ids.size());
    std::copy(ids.begin(), ids.end(), place.ids.begin());
  }

 private:
  std::vector<Entry> entries_;
  unsigned shift_;
};

}  // namespace xlstm::text
