// Characters as a terminal shows them: where one ends, how many columns it takes. By Unicode's
// tables, not by the locale's, which need not know UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xlstm::apps {

struct Glyph {
  std::size_t size = 0;   // bytes of text
  int width = 0;          // columns; 0 for a line end, and for a tab, whose width depends on where
  bool doubtful = false;  // terminals disagree about the width: several wide parts, a selector
};

// What starts at `at`, which is inside of `text`: a character with all that combines with it. A
// control character, a line end and a byte that is not UTF-8 stand alone.
Glyph glyph_at(std::string_view text, std::size_t at);

// Where the glyph before `at` starts; 0 at the start.
std::size_t previous_glyph(std::string_view text, std::size_t at);

// Columns of a text in one line; tabs count as nothing.
int width_of(std::string_view text);

// What to write to a terminal for a glyph of `text`: itself, or for a control character a picture
// of it: ^[ for escape, <9b> for U+009B.
std::string picture_of(std::string_view glyph);

}  // namespace xlstm::apps
