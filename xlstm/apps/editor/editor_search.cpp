// Ctrl-R: the history's lines that hold what is typed, from the newest.
#include <algorithm>

#include "xlstm/apps/editor/editor.h"
#include "xlstm/apps/editor/glyphs.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {

std::optional<std::string> Editor::search_prompt() const {
  if (!searching_) return std::nullopt;
  return str("(search) ", pattern_, ": ");
}

// Shows the entry before `end` that holds the pattern, or leaves all as it is.
void Editor::search_from(std::size_t end) {
  for (std::size_t entry = end; entry-- > 0;) {
    const std::size_t found = history_[entry].find(pattern_);
    if (found == std::string::npos) continue;
    go_to_entry(entry);
    buffer_.move(found);
    return;
  }
}

Edited Editor::search(const Key& key) {
  constexpr char kAgain = 'R' & 0x1F;
  constexpr char kGiveUp = 'G' & 0x1F;
  const char control = key.code == KeyCode::kControl ? key.text.front() : '\0';
  if (key.code == KeyCode::kText) {
    pattern_ += key.text;
    search_from(std::min(entry_ + 1, history_.size()));
  } else if (control == kAgain) {
    search_from(entry_);
  } else if (control == '\x7f' || control == '\b') {
    pattern_.resize(previous_glyph(pattern_, pattern_.size()));
    if (!pattern_.empty()) search_from(history_.size());
  } else {
    searching_ = false;
    if (control == kGiveUp) return go_to_entry(history_.size());
    if (key.code != KeyCode::kEscape) return handle(key);
  }
  return Edited::kOn;
}

}  // namespace xlstm::apps
