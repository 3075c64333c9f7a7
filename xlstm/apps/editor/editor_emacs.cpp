// The keys of the emacs mode alone.
#include "xlstm/apps/editor/editor.h"

namespace xlstm::apps {

Edited Editor::emacs_control(char key) {
  switch (key | 0x40) {
    case 'A':
      buffer_.move(buffer_.line_start());
      break;
    case 'B':
      buffer_.move(buffer_.left());
      break;
    case 'E':
      buffer_.move(buffer_.line_end());
      break;
    case 'F':
      buffer_.move(buffer_.right());
      break;
    case 'G':
      break;
    case 'K': {
      const std::size_t end = buffer_.line_end();
      kill(cursor(), end == cursor() ? buffer_.right() : end);
      break;
    }
    case 'T':
      exchange_glyphs();
      break;
    case 'Y':
      return type(killed_);
    case '_':
      return buffer_.undo() ? Edited::kOn : Edited::kBell;
    default:
      return Edited::kBell;
  }
  return Edited::kOn;
}

// The one before the cursor moves over it; at the end of a line, the last two change places.
void Editor::exchange_glyphs() {
  if (cursor() == buffer_.line_end()) buffer_.move(buffer_.left());
  const std::size_t middle = cursor();
  const std::size_t from = buffer_.left();
  const std::size_t to = buffer_.right();
  if (from < buffer_.line_start() || from == middle || to == middle) return;
  const std::string before = text().substr(from, middle - from);
  buffer_.replace(from, to, text().substr(middle, to - middle) + before);
}

Edited Editor::emacs_meta(const Key& key) {
  if (key.code == KeyCode::kLeft) return common({KeyCode::kWordLeft});
  if (key.code == KeyCode::kRight) return common({KeyCode::kWordRight});
  if (key.code == KeyCode::kControl && (key.text == "\x7f" || key.text == "\b")) {
    kill(buffer_.word_left(), cursor());
    return Edited::kOn;
  }
  if (key.code == KeyCode::kControl && key.text == "\r") return type("\n");
  if (key.code != KeyCode::kText) return handle(key);
  const std::string rest = key.text.substr(1);
  switch (key.text.front()) {
    case 'b':
      buffer_.move(buffer_.word_left());
      break;
    case 'f':
      buffer_.move(buffer_.word_right());
      break;
    case 'd':
      kill(cursor(), buffer_.word_right());
      break;
    case '<':
      buffer_.move(0);
      break;
    case '>':
      buffer_.move(text().size());
      break;
    case 'u':
    case 'l':
    case 'c':
      change_case(key.text.front());
      break;
    default:
      return Edited::kBell;
  }
  return rest.empty() ? Edited::kOn : handle({KeyCode::kText, rest});
}

// Of the next word: u all capitals, l none, c the first. Of ASCII letters only.
void Editor::change_case(char how) {
  const std::size_t from = cursor();
  const std::size_t end = buffer_.word_right();
  std::string word = text().substr(from, end - from);
  bool capital = how != 'l';
  for (char& letter : word) {
    const bool upper = letter >= 'A' && letter <= 'Z';
    const bool lower = letter >= 'a' && letter <= 'z';
    if (lower && capital) letter = static_cast<char>(letter - 'a' + 'A');
    if (upper && !capital) letter = static_cast<char>(letter - 'A' + 'a');
    if (how == 'c' && is_word_byte(letter)) capital = false;
  }
  buffer_.replace(from, end, word);
}

}  // namespace xlstm::apps
