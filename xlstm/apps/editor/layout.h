// A text in rows of a terminal's width.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm::apps {

struct Place {
  std::size_t row = 0;
  int column = 0;
};

// One glyph as it stands in a row.
struct Cell {
  std::string shown;
  int width = 0;
  bool doubtful = false;  // glyphs.h

  bool operator==(const Cell&) const = default;
};

class Layout {
 public:
  // Refers to `text`, which must live as long.
  Layout(std::string_view text, int columns);

  std::size_t rows() const { return starts_.size(); }
  Place place_of(std::size_t offset) const;  // of the glyph that starts there, or of the text's end
  std::vector<Cell> cells(std::size_t row) const;

 private:
  std::string_view text_;
  int columns_;
  std::vector<std::size_t> starts_;  // of each row
};

}  // namespace xlstm::apps
