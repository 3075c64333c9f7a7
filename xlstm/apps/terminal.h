// What we ask of a terminal: whether there is one, a progress bar.
#pragma once

#include <optional>
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
// The same with `text` behind it, where there is room for that; without a bar if nobody knows how
// much there is to do.
std::string bar_text(std::string_view label, std::optional<int> percent, int columns,
                     std::string_view text);

// A bar on standard error if that is a terminal, else nothing. Cleared when it is done or
// destroyed. Does without control sequences.
class ProgressBar {
 public:
  explicit ProgressBar(std::string_view label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void update(double share);  // 0 to 1; redrawn when a percent has passed
  // The same with a text that changes; no share where nobody knows how much there is to do.
  void update(std::optional<double> share, std::string_view text);
  void clear();

 private:
  std::string label_;
  bool shown_;
  std::string drawn_;  // what stands there now
  int columns_ = 0;    // of the terminal when it was drawn
};

}  // namespace xlstm::apps
