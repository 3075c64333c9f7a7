// The part of a terminal that shows the text being typed. Makes the bytes that bring the terminal
// up to date, and writes nothing itself. A line end is "\n" alone: the terminal driver makes it
// return to the first column.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/apps/editor/layout.h"
#include "xlstm/apps/terminal.h"

namespace xlstm::apps {

class Screen {
 public:
  virtual ~Screen() = default;

  // What makes the terminal show `text`, the cursor at `cursor` of it.
  virtual std::string show(const std::string& text, std::size_t cursor) = 0;
  // What moves the cursor to the start of the row below the text. The next show() starts there.
  virtual std::string leave() = 0;
  // What removes the text that is shown, as far as it can be.
  virtual std::string clear() = 0;
  // What empties the whole terminal.
  virtual std::string clear_all() = 0;
  virtual void resize(TerminalSize size) = 0;
};

// A terminal with the control sequences of ECMA-48. Of a text with more rows than the terminal
// those around the cursor are shown.
class RowScreen : public Screen {
 public:
  std::string show(const std::string& text, std::size_t cursor) override;
  std::string leave() override;
  std::string clear() override;
  std::string clear_all() override;
  void resize(TerminalSize size) override { size_ = size; }

 private:
  using Row = std::vector<Cell>;

  void choose_window(const Layout& layout, std::size_t cursor_row);
  void show_row(std::size_t row, const Row& wanted);
  void go_to(std::size_t row, int column);
  void forget();  // nothing is shown

  TerminalSize size_;
  std::vector<Row> shown_;
  std::size_t top_ = 0;  // the text's row that is the first one shown
  std::size_t row_ = 0;  // where the terminal's cursor is, of shown_
  int column_ = 0;       // size_.columns: behind the last one
  std::string out_;
};

// A terminal that only goes forward: nothing but characters, line ends and backspaces.
class DumbScreen : public Screen {
 public:
  std::string show(const std::string& text, std::size_t cursor) override;
  std::string leave() override;
  std::string clear() override;
  std::string clear_all() override { return clear(); }
  void resize(TerminalSize) override {}

 private:
  std::string shown_;
};

}  // namespace xlstm::apps
