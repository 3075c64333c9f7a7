// Code points of UTF-8 text that is known to be well formed, and their classes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "xlstm/text/unicode_tables.h"

namespace xlstm::text {

struct CodePoint {
  char32_t value;
  std::uint32_t size;  // bytes, 1 to 4
};

// The code point that starts at text[at]; `text` is well-formed UTF-8 and at < text.size().
inline CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}

// Offset of the code point before `at` (at > 0).
inline std::size_t previous_code_point(std::string_view text, std::size_t at) {
  do --at;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

void append_utf8(std::string& text, char32_t code_point);

// The classes (a set of CharClass) of a code point.
std::uint8_t classes_of(char32_t code_point);

// Rust's char::to_lowercase, which has one code point that becomes two (U+0130).
void append_lowercase(std::string& text, char32_t code_point);

}  // namespace xlstm::text
