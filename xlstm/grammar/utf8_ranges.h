// Ranges of characters as ranges of the bytes that UTF-8 writes them with.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "xlstm/grammar/expression.h"

namespace xlstm::grammar {

struct ByteRange {
  std::uint8_t first;
  std::uint8_t last;
};

// The texts whose i-th byte is in bytes[i], i < size: all of them characters.
struct ByteSequence {
  std::size_t size;  // 1 to 4
  std::array<ByteRange, 4> bytes;
};

// Sequences that match the characters of `range`, and nothing else. Wants no surrogates in it.
std::vector<ByteSequence> utf8_ranges(CharacterRange range);

}  // namespace xlstm::grammar
