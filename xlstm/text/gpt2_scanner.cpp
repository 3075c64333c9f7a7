#include "xlstm/text/gpt2_scanner.h"

#include <array>
#include <cstdint>

#include "xlstm/text/characters.h"

namespace xlstm::text {
namespace {

enum class Kind : std::uint8_t { kLetters, kNumbers, kSpaces, kOthers, kNotAscii };

constexpr Kind kind_of_byte(int byte) {
  if (byte >= 0x80) return Kind::kNotAscii;
  if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')) return Kind::kLetters;
  if (byte >= '0' && byte <= '9') return Kind::kNumbers;
  if (byte == ' ' || (byte >= '\t' && byte <= '\r')) return Kind::kSpaces;
  return Kind::kOthers;
}

constexpr std::array<Kind, 256> kind_table() {
  std::array<Kind, 256> table{};
  for (int byte = 0; byte < 256; ++byte) table[static_cast<std::size_t>(byte)] = kind_of_byte(byte);
  return table;
}
constexpr std::array<Kind, 256> kKinds = kind_table();

struct Character {
  Kind kind;
  std::size_t size;
};

Character wide_character(std::string_view text, std::size_t at) {
  const CodePoint point = code_point_at(text, at);
  const std::uint8_t classes = classes_of(point.value);
  if ((classes & kLetter) != 0) return {Kind::kLetters, point.size};
  if ((classes & kNumber) != 0) return {Kind::kNumbers, point.size};
  if ((classes & kSpace) != 0) return {Kind::kSpaces, point.size};
  return {Kind::kOthers, point.size};
}

inline Character character_at(std::string_view text, std::size_t at) {
  const Kind kind = kKinds[static_cast<unsigned char>(text[at])];
  if (kind != Kind::kNotAscii) [[likely]] {
    return {kind, 1};
  }
  return wide_character(text, at);
}

// Length of 's 't 're 've 'm 'll 'd at `text`'s start, which is a ', or 0.
std::size_t contraction(std::string_view text) {
  if (text.size() < 2) return 0;
  const char first = text[1];
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (text.size() < 3) return 0;
  const char second = text[2];
  const bool is_long = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                       (first == 'l' && second == 'l');
  return is_long ? 3 : 0;
}

std::size_t run_end(std::string_view text, std::size_t at, Kind kind) {
  while (at < text.size()) {
    const Character next = character_at(text, at);
    if (next.kind != kind) break;
    at += next.size;
  }
  return at;
}

// Spaces before a word leave their last one to it: it is that word's first character if it is
// U+0020 and a piece of its own otherwise.
std::size_t spaces_end(std::string_view text, std::size_t from) {
  std::size_t at = from, last = from;
  while (at < text.size()) {
    const Character next = character_at(text, at);
    if (next.kind != Kind::kSpaces) return last == from ? at : last;
    last = at;
    at += next.size;
  }
  return at;
}

}  // namespace

std::size_t gpt2_piece_end(std::string_view text, std::size_t from) {
  if (text[from] == '\'') {
    if (const std::size_t size = contraction(text.substr(from))) return from + size;
  }
  const std::size_t word = from + (text[from] == ' ' ? 1 : 0);
  if (word < text.size()) {
    const Character first = character_at(text, word);
    if (first.kind != Kind::kSpaces) return run_end(text, word + first.size, first.kind);
  }
  return spaces_end(text, from);
}

}  // namespace xlstm::text
