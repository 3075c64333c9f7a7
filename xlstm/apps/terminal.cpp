#include "xlstm/apps/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "xlstm/apps/ranks.h"
#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {

bool stdin_is_terminal() {
  return agreed(isatty(STDIN_FILENO) == 1);
}
bool stdout_is_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}
bool stderr_is_terminal() {
  return leads() && isatty(STDERR_FILENO) == 1;
}

TerminalSize terminal_size() {
  TerminalSize size;
  winsize told = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &told) == 0) {
    if (told.ws_col > 0) size.columns = told.ws_col;
    if (told.ws_row > 0) size.rows = told.ws_row;
  }
  return size;
}

bool terminal_has_controls() {
  const char* name = std::getenv("TERM");
  return name != nullptr && name[0] != '\0' && std::string_view(name) != "dumb";
}

namespace {

std::string blanks(int count) {
  return std::string(static_cast<std::size_t>(std::max(count, 0)), ' ');
}

}  // namespace

std::string bar_text(std::string_view label, int percent, int columns) {
  constexpr int kWidest = 32;
  constexpr int kNarrowest = 4;
  const std::string number = std::to_string(percent) + "%";
  const std::string share = blanks(4 - static_cast<int>(number.size())) + number;
  // One column stays free: in the last one some terminals begin a new row.
  const int room = columns - 1;
  const int with_label = static_cast<int>(label.size()) + 1 + static_cast<int>(share.size());
  const int bar = std::min(kWidest, room - with_label - 3);
  if (bar >= kNarrowest) {
    const int full = percent * bar / 100;
    return str(label, " [", std::string(static_cast<std::size_t>(full), '#'), blanks(bar - full),
               "] ", share);
  }
  if (with_label <= room) return str(label, " ", share);
  return static_cast<int>(share.size()) <= room ? share : "";
}

std::string bar_text(std::string_view label, std::optional<int> percent, int columns,
                     std::string_view text) {
  if (!percent) {
    const std::string line = str(label, " ", text);
    return static_cast<int>(line.size()) < columns ? line : std::string();
  }
  const std::string bar = bar_text(label, *percent, columns - 2 - static_cast<int>(text.size()));
  return text.empty() || bar.empty() ? bar_text(label, *percent, columns) : str(bar, "  ", text);
}

ProgressBar::ProgressBar(std::string_view label) : label_(label), shown_(stderr_is_terminal()) {}

ProgressBar::~ProgressBar() {
  clear();
}

void ProgressBar::update(double share) {
  update(share, "");
}

void ProgressBar::update(std::optional<double> share, std::string_view text) {
  if (!shown_) return;
  std::optional<int> percent;
  if (share) percent = static_cast<int>(std::clamp(*share, 0.0, 1.0) * 100);
  const int columns = terminal_size().columns;
  std::string line = bar_text(label_, percent, columns, text);
  if (line == drawn_ && columns == columns_) return;
  const int width = static_cast<int>(line.size());
  const int before = static_cast<int>(drawn_.size());
  write_note("\r" + line + blanks(std::min(before, columns - 1) - width));
  drawn_ = std::move(line);
  columns_ = columns;
}

void ProgressBar::clear() {
  if (drawn_.empty()) return;
  const int width = static_cast<int>(drawn_.size());
  write_note("\r" + blanks(std::min(width, terminal_size().columns - 1)) + "\r");
  drawn_.clear();
}

}  // namespace xlstm::apps
