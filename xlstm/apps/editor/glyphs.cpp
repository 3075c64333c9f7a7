#include "xlstm/apps/editor/glyphs.h"

#include <utf8proc.h>

#include <algorithm>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm::apps {
namespace {

constexpr utf8proc_int32_t kEmojiSelector = 0xFE0F;

bool is_plain(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= ' ' && text[at] < 0x7F;
}

// The code point at `at`, and its bytes; -1 and one byte where the text is not UTF-8.
struct CodePoint {
  utf8proc_int32_t value;
  std::size_t size;
};

CodePoint code_point_at(std::string_view text, std::size_t at) {
  utf8proc_int32_t value = -1;
  const std::string_view rest = text.substr(at, 4);
  const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(rest.data()),
                                     static_cast<utf8proc_ssize_t>(rest.size()), &value);
  return size > 0 ? CodePoint{value, static_cast<std::size_t>(size)} : CodePoint{-1, 1};
}

bool is_control(utf8proc_int32_t value) {
  return value < ' ' || (value >= 0x7F && value < 0xA0);
}

int control_width(utf8proc_int32_t value) {
  if (value == '\n' || value == '\t') return 0;
  return value >= 0x80 || value < 0 ? 4 : 2;
}

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace

Glyph glyph_at(std::string_view text, std::size_t at) {
  if (is_plain(text, at) && (at + 1 == text.size() || (text[at + 1] & 0x80) == 0)) return {1, 1};
  CodePoint last = code_point_at(text, at);
  if (is_control(last.value)) return {last.size, control_width(last.value)};
  Glyph glyph{last.size, utf8proc_charwidth(last.value)};
  int wide_parts = glyph.width > 0 ? 1 : 0;
  utf8proc_int32_t state = 0;
  while (at + glyph.size < text.size()) {
    const CodePoint next = code_point_at(text, at + glyph.size);
    if (is_control(next.value) ||
        utf8proc_grapheme_break_stateful(last.value, next.value, &state)) {
      break;
    }
    const int width = utf8proc_charwidth(next.value);
    wide_parts += width > 0 ? 1 : 0;
    glyph.doubtful |= wide_parts > 1 || next.value == kEmojiSelector;
    glyph.width += width;
    glyph.size += next.size;
    last = next;
  }
  return glyph;
}

std::size_t previous_glyph(std::string_view text, std::size_t at) {
  // Where glyphs divide depends on what is before, but never across a plain character that another
  // plain one or a line end precedes; so far back is enough.
  constexpr std::size_t kFarBack = 256;
  const std::size_t end = std::min(at, text.size());
  std::size_t start = end;
  while (start > 0) {
    --start;
    if (is_continuation(text[start])) continue;
    const bool safe = start == 0 || (text[start - 1] & 0x80) == 0;
    if ((safe && is_plain(text, start)) || end - start > kFarBack) break;
  }
  while (start < end) {
    const std::size_t next = start + glyph_at(text, start).size;
    if (next >= end) return start;
    start = next;
  }
  return start;
}

int width_of(std::string_view text) {
  int width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Glyph glyph = glyph_at(text, at);
    width += glyph.width;
    at += glyph.size;
  }
  return width;
}

std::string picture_of(std::string_view glyph) {
  const utf8proc_int32_t value = code_point_at(glyph, 0).value;
  if (value >= 0 && !is_control(value)) return std::string(glyph);
  if (value >= 0 && value < 0x80) return {'^', static_cast<char>(value ^ 0x40)};
  const int shown = value >= 0 ? value : static_cast<unsigned char>(glyph.front());
  return str('<', hexadecimal(static_cast<std::uint64_t>(shown)), '>');
}

}  // namespace xlstm::apps
