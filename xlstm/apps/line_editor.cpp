#include "xlstm/apps/line_editor.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "xlstm/apps/editor/edit_settings.h"
#include "xlstm/apps/editor/glyphs.h"
#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/apps/terminal_mode.h"
#include "xlstm/base/system.h"

namespace xlstm::apps {
namespace {

// The bytes of one key come together; so much later an escape was the key.
constexpr int kEscapeMilliseconds = 50;
constexpr std::size_t kBlock = 1 << 16;

struct EditingScope {
  explicit EditingScope(bool paste) { begin_editing(paste); }
  ~EditingScope() { end_editing(); }
  EditingScope(const EditingScope&) = delete;
  EditingScope& operator=(const EditingScope&) = delete;
};

std::unique_ptr<Screen> make_screen(bool controls) {
  if (controls) return std::make_unique<RowScreen>();
  return std::make_unique<DumbScreen>();
}

// Words in columns, as many as fit.
std::string in_columns(const std::vector<std::string>& words, int columns) {
  constexpr std::size_t kMost = 200;
  const std::size_t count = std::min(words.size(), kMost);
  int widest = 0;
  for (std::size_t i = 0; i < count; ++i) widest = std::max(widest, width_of(words[i]));
  const int step = widest + 2;
  std::string out;
  int column = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (column > 0 && column + step > columns) {
      out += '\n';
      column = 0;
    }
    out += words[i] + std::string(static_cast<std::size_t>(step - width_of(words[i])), ' ');
    column += step;
  }
  out += '\n';
  if (count < words.size()) out += str("and ", words.size() - count, " more\n");
  return out;
}

}  // namespace

LineEditor::LineEditor(Completer complete)
    : controls_(terminal_has_controls()),
      history_(history_file()),
      editor_(edit_mode(), history_.lines(), std::move(complete)),
      screen_(make_screen(controls_)) {
  watch_terminal();
}

Line LineEditor::read(const std::string& prompt) {
  prompt_ = prompt;
  editor_.begin();
  const EditingScope scope(controls_);
  if (ioctl(STDIN_FILENO, FIONREAD, &typed_ahead_) != 0) typed_ahead_ = 0;
  take_terminal_changes();
  screen_->resize(terminal_size());
  Line line = edit();
  show(editor_.text().size());
  write_note(screen_->leave());
  if (!line.text.empty()) history_.add(line.text);
  return line;
}

Line LineEditor::edit() {
  for (;;) {
    while (const auto key = keys_.next()) {
      if (auto line = react(editor_.handle(*key))) return *line;
    }
    if (const auto end = wait_for_keys()) return {*end, ""};
  }
}

std::optional<Line> LineEditor::react(Edited edited) {
  switch (edited) {
    case Edited::kOn:
      break;
    case Edited::kBell:
      write_note("\a");
      break;
    case Edited::kLine:
      return Line{LineEnd::kText, editor_.text()};
    case Edited::kDropped:
      return Line{LineEnd::kInterrupted, ""};
    case Edited::kEndOfInput:
      return Line{LineEnd::kEndOfInput, ""};
    case Edited::kSuspend:
      suspend();
      break;
    case Edited::kClearScreen:
      write_note(screen_->clear_all());
      break;
    case Edited::kChoices:
      show_choices();
      break;
  }
  return std::nullopt;
}

std::optional<LineEnd> LineEditor::wait_for_keys() {
  // Drawn when nothing more has come yet: a long text that comes in pieces is drawn once.
  Wait wait = wait_for(STDIN_FILENO, 0);
  if (wait == Wait::kTimeout) {
    show(editor_.cursor());
    const bool open = editor_.mode() == EditMode::kVi && keys_.has_open_escape();
    wait = wait_for(STDIN_FILENO, open ? kEscapeMilliseconds : kForever);
  }
  switch (wait) {
    case Wait::kReady:
      return read_keys();
    case Wait::kInterrupted:
      return LineEnd::kInterrupted;
    case Wait::kWoken:
      follow_terminal();
      break;
    case Wait::kTimeout:
      keys_.close_escape();
      break;
  }
  return std::nullopt;
}

std::optional<LineEnd> LineEditor::read_keys() {
  std::array<char, kBlock> block;
  const ssize_t got = ::read(STDIN_FILENO, block.data(), block.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return std::nullopt;
  if (got <= 0) return LineEnd::kEndOfInput;  // the terminal is gone
  // What Linux kept as the end of a line of input, Ctrl-D, it hands on as NUL. Later that is
  // Ctrl-Space.
  const auto before_prompt = std::min<std::ptrdiff_t>(got, std::exchange(typed_ahead_, 0));
  std::replace(block.begin(), block.begin() + before_prompt, '\0', '\x04');
  keys_.feed({block.data(), static_cast<std::size_t>(got)});
  return std::nullopt;
}

void LineEditor::follow_terminal() {
  const TerminalChanges changes = take_terminal_changes();
  if (changes.resized) write_note(screen_->clear());
  if (changes.continued) {
    begin_editing(controls_);
    screen_->leave();  // whatever is there now, it is not ours
    write_note("\r");
  }
  screen_->resize(terminal_size());
}

// As the terminal would do with Ctrl-Z: stops all that runs together with us, too.
void LineEditor::suspend() {
  write_note(screen_->leave());
  end_editing();
  kill(0, SIGTSTP);
  begin_editing(controls_);
  take_terminal_changes();
  screen_->resize(terminal_size());
}

void LineEditor::show(std::size_t cursor) {
  const std::string before = editor_.search_prompt().value_or(prompt_);
  write_note(screen_->show(before + editor_.text(), before.size() + cursor));
}

void LineEditor::show_choices() {
  show(editor_.text().size());
  write_note(screen_->leave() + in_columns(editor_.choices(), terminal_size().columns));
}

}  // namespace xlstm::apps
