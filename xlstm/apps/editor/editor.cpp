#include "xlstm/apps/editor/editor.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/utf8.h"

namespace xlstm::apps {
namespace {

constexpr char ctrl(char letter) {
  return static_cast<char>(letter & 0x1F);
}

std::string common_start(const std::vector<std::string>& words) {
  std::string start = words.front();
  for (const std::string& word : words) {
    const auto [end, other] = std::ranges::mismatch(start, word);
    start.erase(end, start.end());
  }
  return start.substr(0, utf8_complete_prefix(start));
}

}  // namespace

Editor::Editor(EditMode mode, const std::vector<std::string>& history, Completer complete)
    : mode_(mode), history_(history), complete_(std::move(complete)) {
  begin();
}

void Editor::begin() {
  buffer_.set("");
  entry_ = history_.size();
  new_text_.clear();
  pending_.clear();
  quoted_ = escaped_ = searching_ = false;
  inserting_ = true;
}

Edited Editor::handle(const Key& key) {
  if (std::exchange(quoted_, false) && key.code == KeyCode::kControl) return type(key.text);
  if (searching_) return search(key);
  if (mode_ == EditMode::kEmacs && std::exchange(escaped_, false)) return emacs_meta(key);
  switch (key.code) {
    case KeyCode::kText:
      return in_vi_commands() ? vi_keys(key.text) : type(key.text);
    case KeyCode::kEscape:
      escaped_ = mode_ == EditMode::kEmacs;
      if (mode_ == EditMode::kVi) vi_leave_insert();
      return Edited::kOn;
    default:
      pending_.clear();
      return common(key);
  }
}

Edited Editor::type(std::string_view text) {
  buffer_.insert(text);
  return Edited::kOn;
}

Edited Editor::common(const Key& key) {
  switch (key.code) {
    case KeyCode::kPaste:
      return type(key.text);
    case KeyCode::kControl:
      return control(key.text.front());
    case KeyCode::kUp:
      return older();
    case KeyCode::kDown:
      return newer();
    case KeyCode::kLeft:
      buffer_.move(buffer_.left());
      return Edited::kOn;
    case KeyCode::kRight:
      buffer_.move(buffer_.right());
      return Edited::kOn;
    case KeyCode::kWordLeft:
      buffer_.move(buffer_.word_left());
      return Edited::kOn;
    case KeyCode::kWordRight:
      buffer_.move(buffer_.word_right());
      return Edited::kOn;
    case KeyCode::kHome:
      buffer_.move(buffer_.line_start());
      return Edited::kOn;
    case KeyCode::kEnd:
      buffer_.move(buffer_.line_end());
      return Edited::kOn;
    case KeyCode::kDelete:
      buffer_.erase(buffer_.cursor(), buffer_.right());
      return Edited::kOn;
    default:
      return Edited::kBell;
  }
}

Edited Editor::control(char key) {
  switch (key) {
    case '\r':
    case '\n':
      return Edited::kLine;
    case ctrl('C'):
      return Edited::kDropped;
    case ctrl('D'):
      return erase_or_end();
    case ctrl('Z'):
      return Edited::kSuspend;
    case ctrl('L'):
      return Edited::kClearScreen;
    case ctrl('H'):
    case '\x7f':
      if (in_vi_commands()) return vi_keys("h");
      buffer_.erase(buffer_.left(), buffer_.cursor());
      return Edited::kOn;
    case '\t':
      return in_vi_commands() ? Edited::kBell : tab();
    case ctrl('P'):
      return older();
    case ctrl('N'):
      return newer();
    case ctrl('Q'):
    case ctrl('V'):
      quoted_ = true;
      return Edited::kOn;
    case ctrl('R'):
      searching_ = true;
      pattern_.clear();
      return Edited::kOn;
    case ctrl('U'):
      kill(buffer_.line_start(), buffer_.cursor());
      return Edited::kOn;
    case ctrl('W'):
      kill(buffer_.word_left(), buffer_.cursor());
      return Edited::kOn;
    default:
      return mode_ == EditMode::kEmacs ? emacs_control(key) : Edited::kBell;
  }
}

Edited Editor::erase_or_end() {
  if (buffer_.empty()) return Edited::kEndOfInput;
  if (buffer_.cursor() == buffer_.text().size()) return Edited::kBell;
  buffer_.erase(buffer_.cursor(), buffer_.right());
  return Edited::kOn;
}

Edited Editor::tab() {
  const std::string_view before = std::string_view(text()).substr(0, cursor());
  const auto found = complete_ ? complete_(before) : std::nullopt;
  if (!found) return type("\t");
  if (found->words.empty()) return Edited::kBell;
  const std::string longest = common_start(found->words);
  if (longest.size() > cursor() - found->from) {
    buffer_.replace(found->from, cursor(), longest);
    return Edited::kOn;
  }
  choices_ = found->words;
  return choices_.size() > 1 ? Edited::kChoices : Edited::kOn;
}

void Editor::kill(std::size_t from, std::size_t to) {
  if (from < to) killed_ = text().substr(from, to - from);
  buffer_.erase(from, to);
}

Edited Editor::older() {
  const std::size_t above = buffer_.line_up();
  if (above == std::string::npos) return entry_ == 0 ? Edited::kBell : go_to_entry(entry_ - 1);
  buffer_.move(above);
  return Edited::kOn;
}

Edited Editor::newer() {
  const std::size_t below = buffer_.line_down();
  if (below != std::string::npos) {
    buffer_.move(below);
    return Edited::kOn;
  }
  return entry_ == history_.size() ? Edited::kBell : go_to_entry(entry_ + 1);
}

Edited Editor::go_to_entry(std::size_t entry) {
  if (entry_ == history_.size()) new_text_ = text();
  entry_ = entry;
  buffer_.set(entry == history_.size() ? new_text_ : history_[entry]);
  return Edited::kOn;
}

}  // namespace xlstm::apps
