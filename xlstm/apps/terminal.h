// What we ask of a terminal: whether there is one, a progress bar.
#pragma once

#include <string>
#include <string_view>

namespace xlstm::apps {

bool stdin_is_terminal();
bool stdout_is_terminal();
bool stderr_is_terminal();

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};
// Of the terminal at standard error; the usual size where it does not tell.
TerminalSize terminal_size();

// Whether the terminal understands control sequences: TERM is set and not "dumb".
bool terminal_has_controls();

// "label [####    ]  40%" in less than `columns`, as much of it as there is room for.
std::string bar_text(std::string_view label, int percent, int columns);

// A bar on standard error if that is a terminal, else nothing. Cleared when it is done or
// destroyed. Does without control sequences.
class ProgressBar {
 public:
  explicit ProgressBar(std::string_view label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(double share);  // 0 to 1; redrawn when a percent has passed
  void clear();

 private:
  std::string label_;
  bool shown_;
  int percent_ = -1;
  int columns_ = 0;  // of the terminal when it was drawn
  int width_ = 0;    // of what stands there now
};

}  // namespace xlstm::apps
