#include "tests/text/random_text.h"

#include "xlstm/text/characters.h"

namespace xlstm {

std::uint32_t RandomText::below(std::uint32_t end) {
  return static_cast<std::uint32_t>(engine_() % end);
}

char32_t RandomText::code_point() {
  struct Range {
    char32_t first, last;
  };
  static constexpr Range kRanges[] = {{0x20, 0x7E},       {0x61, 0x7A},       {0x9, 0xD},
                                      {0x20, 0x20},       {0, 0x24F},         {0x300, 0x36F},
                                      {0x590, 0x6FF},     {0x900, 0xEFF},     {0x1100, 0x11FF},
                                      {0x1E00, 0x206F},   {0x3040, 0x30FF},   {0x4E00, 0x9FFF},
                                      {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0x1D15E, 0x1D1C0},
                                      {0x1F300, 0x1FAFF}, {0xE000, 0x10FFFF}, {0, 0xD7FF}};
  const Range& range = kRanges[below(std::size(kRanges))];
  return range.first + below(static_cast<std::uint32_t>(range.last - range.first + 1));
}

std::string RandomText::text(std::size_t characters) {
  std::string text;
  for (std::size_t i = 0; i < characters; ++i) text::append_utf8(text, code_point());
  return text;
}

}  // namespace xlstm
