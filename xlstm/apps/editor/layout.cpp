#include "xlstm/apps/editor/layout.h"

#include <algorithm>

#include "xlstm/apps/editor/glyphs.h"

namespace xlstm::apps {
namespace {

constexpr int kTabStop = 8;

// As glyph_at(), a tab having the width that it has at `column`.
Glyph glyph_in_row(std::string_view text, std::size_t at, int column, int columns) {
  Glyph glyph = glyph_at(text, at);
  if (text[at] == '\t') {
    const int room = column < columns ? columns - column : columns;
    glyph.width = std::min(kTabStop - column % kTabStop, room);
  }
  return glyph;
}

}  // namespace

Layout::Layout(std::string_view text, int columns)
    : text_(text), columns_(std::max(columns, 1)), starts_{0} {
  int column = 0;
  const auto begin_row = [&](std::size_t at) {
    starts_.push_back(at);
    column = 0;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\n') {
      begin_row(++at);
      continue;
    }
    Glyph glyph = glyph_in_row(text, at, column, columns_);
    if (column > 0 && column + glyph.width > columns_) {
      begin_row(at);
      glyph = glyph_in_row(text, at, column, columns_);
    }
    column += glyph.width;
    at += glyph.size;
  }
  // The cursor must have a place behind the last glyph.
  if (column >= columns_) begin_row(text.size());
}

Place Layout::place_of(std::size_t offset) const {
  const auto after = std::ranges::upper_bound(starts_, offset);
  const auto row = static_cast<std::size_t>(after - starts_.begin()) - 1;
  int column = 0;
  for (std::size_t at = starts_[row]; at < offset;) {
    const Glyph glyph = glyph_in_row(text_, at, column, columns_);
    column += glyph.width;
    at += glyph.size;
  }
  return {row, std::min(column, columns_ - 1)};
}

std::vector<Cell> Layout::cells(std::size_t row) const {
  const std::size_t end = row + 1 < starts_.size() ? starts_[row + 1] : text_.size();
  std::vector<Cell> cells;
  int column = 0;
  for (std::size_t at = starts_[row]; at < end && text_[at] != '\n';) {
    const Glyph glyph = glyph_in_row(text_, at, column, columns_);
    const std::string_view text = text_.substr(at, glyph.size);
    const bool tab = text.front() == '\t';
    cells.push_back(
        {tab ? std::string(static_cast<std::size_t>(glyph.width), ' ') : picture_of(text),
         glyph.width, glyph.doubtful});
    column += glyph.width;
    at += glyph.size;
  }
  return cells;
}

}  // namespace xlstm::apps
