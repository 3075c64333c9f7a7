#include "xlstm/grammar/utf8_ranges.h"

#include <algorithm>

namespace xlstm::grammar {
namespace {

// The last characters of one, two, three and four bytes.
constexpr std::array<char32_t, 4> kLastOfSize = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};

std::array<std::uint8_t, 4> encoded(char32_t c, std::size_t size) {
  std::array<std::uint8_t, 4> bytes = {};
  constexpr std::array<std::uint8_t, 4> kLead = {0x00, 0xC0, 0xE0, 0xF0};
  for (std::size_t i = size - 1; i > 0; --i, c >>= 6) {
    bytes[i] = static_cast<std::uint8_t>(0x80U | (c & 0x3FU));
  }
  bytes[0] = static_cast<std::uint8_t>(kLead[size - 1] | c);
  return bytes;
}

// Both of `size` bytes. Cut until all bytes behind the first that differs take all 64 values: the
// range is then a product of ranges of bytes.
void add(char32_t first, char32_t last, std::size_t size, std::vector<ByteSequence>& out) {
  for (std::size_t i = 1; i < size; ++i) {
    const char32_t rest = (char32_t{1} << (6 * i)) - 1;  // what the last i bytes hold
    if ((first & ~rest) == (last & ~rest)) break;        // only they differ
    if ((first & rest) != 0) {
      add(first, first | rest, size, out);
      return add((first | rest) + 1, last, size, out);
    }
    if ((last & rest) != rest) {
      add(first, (last & ~rest) - 1, size, out);
      return add(last & ~rest, last, size, out);
    }
  }
  ByteSequence sequence = {size, {}};
  const auto low = encoded(first, size), high = encoded(last, size);
  for (std::size_t i = 0; i < size; ++i) sequence.bytes[i] = {low[i], high[i]};
  out.push_back(sequence);
}

}  // namespace

std::vector<ByteSequence> utf8_ranges(CharacterRange range) {
  std::vector<ByteSequence> out;
  char32_t first = range.first;
  for (std::size_t size = 1; size <= kLastOfSize.size() && first <= range.last; ++size) {
    if (first > kLastOfSize[size - 1]) continue;
    const char32_t last = std::min(range.last, kLastOfSize[size - 1]);
    add(first, last, size, out);
    first = last + 1;
  }
  return out;
}

}  // namespace xlstm::grammar
