// The text that is being typed: cursor, changes, undo. Offsets are bytes, between glyphs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm::apps {

class EditBuffer {
 public:
  const std::string& text() const { return text_; }
  std::size_t cursor() const { return cursor_; }
  bool empty() const { return text_.empty(); }

  void set(std::string text);  // another text, the cursor at its end; forgets what undo() knew
  void move(std::size_t to) { cursor_ = to; }
  // Puts `text` in the place of [from, to), and the cursor behind it.
  void replace(std::size_t from, std::size_t to, std::string_view text);
  void insert(std::string_view text) { replace(cursor_, cursor_, text); }
  void erase(std::size_t from, std::size_t to) { replace(from, to, ""); }
  bool undo();  // takes the last change back; false: there is none

  // Where the cursor would go.
  std::size_t left() const;
  std::size_t right() const;
  std::size_t word_left() const;   // start of the word before
  std::size_t word_right() const;  // end of the word after
  std::size_t line_start() const;
  std::size_t line_end() const;
  // The same column of the line above or below; npos: there is none.
  std::size_t line_up() const;
  std::size_t line_down() const;

 private:
  struct Change {
    std::size_t at;
    std::string removed, added;
  };
  std::size_t column() const;  // glyphs before the cursor in its line
  std::size_t at_column(std::size_t start, std::size_t column) const;

  std::string text_;
  std::size_t cursor_ = 0;
  std::vector<Change> changes_;
};

// Letters, digits, underscores and all that is not ASCII: what a word is made of.
bool is_word_byte(char byte);

}  // namespace xlstm::apps
