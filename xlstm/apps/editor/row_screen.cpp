#include <algorithm>
#include <utility>

#include "xlstm/apps/editor/screen.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

constexpr char kClearRow[] = "\x1b[K";    // from the cursor
constexpr char kClearBelow[] = "\x1b[J";  // from the cursor
constexpr char kClearScreen[] = "\x1b[H\x1b[2J";

int width_of_cells(const std::vector<Cell>& row) {
  int width = 0;
  for (const Cell& cell : row) width += cell.width;
  return width;
}

}  // namespace

std::string RowScreen::show(const std::string& text, std::size_t cursor) {
  const Layout layout(text, size_.columns);
  const Place place = layout.place_of(cursor);
  choose_window(layout, place.row);
  const auto height = static_cast<std::size_t>(std::max(size_.rows, 1));
  const std::size_t rows = std::min(layout.rows() - top_, height);
  for (std::size_t row = 0; row < rows; ++row) show_row(row, layout.cells(top_ + row));
  if (shown_.size() > rows) {
    go_to(rows, 0);
    out_ += kClearBelow;
    shown_.resize(rows);
  }
  go_to(place.row - top_, place.column);
  return std::exchange(out_, "");
}

// As few rows move as can be.
void RowScreen::choose_window(const Layout& layout, std::size_t cursor_row) {
  const auto height = static_cast<std::size_t>(std::max(size_.rows, 1));
  const std::size_t last_top = layout.rows() - std::min(layout.rows(), height);
  top_ = std::min({top_, last_top, cursor_row});
  if (cursor_row >= top_ + height) top_ = cursor_row + 1 - height;
}

void RowScreen::show_row(std::size_t row, const Row& wanted) {
  if (row >= shown_.size()) {
    if (row > 0) go_to(row, 0);
    shown_.emplace_back();
  }
  Row& now = shown_[row];
  const auto [old, same] = std::ranges::mismatch(now, wanted);
  if (old == now.end() && same == wanted.end()) return;
  go_to(row, width_of_cells({wanted.begin(), same}));
  const bool narrower = width_of_cells(now) > width_of_cells(wanted);
  const bool doubtful = std::any_of(same, wanted.end(), [](const Cell& c) { return c.doubtful; }) ||
                        std::any_of(old, now.end(), [](const Cell& c) { return c.doubtful; });
  if (narrower || doubtful) out_ += kClearRow;
  for (auto cell = same; cell != wanted.end(); ++cell) {
    out_ += cell->shown;
    column_ += cell->width;
    // Whatever the terminal thinks of its width, the next one has its place.
    if (cell->doubtful && column_ < size_.columns) out_ += str("\x1b[", column_ + 1, "G");
  }
  now = wanted;
}

void RowScreen::go_to(std::size_t row, int column) {
  if (row == row_ && column == column_) return;
  if (row < row_) out_ += str("\x1b[", row_ - row, "A");
  if (row > row_) {
    out_ += std::string(row - row_, '\n');
    column_ = 0;
  }
  if (column != column_) {
    out_ += '\r';
    if (column > 0) out_ += str("\x1b[", column, "C");
  }
  row_ = row;
  column_ = column;
}

std::string RowScreen::leave() {
  const std::string out(std::max(shown_.size(), row_ + 1) - row_, '\n');
  forget();
  return out;
}

void RowScreen::forget() {
  shown_.clear();
  top_ = row_ = 0;
  column_ = 0;
}

std::string RowScreen::clear() {
  std::string out = row_ > 0 ? str("\x1b[", row_, "A") : "";
  out += "\r";
  out += kClearBelow;
  forget();
  return out;
}

std::string RowScreen::clear_all() {
  forget();
  return kClearScreen;
}

}  // namespace xlstm::apps
