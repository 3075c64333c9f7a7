// What we ask of a terminal: whether there is one, a progress bar, Ctrl-C.
#pragma once

#include <string>
#include <string_view>

namespace xlstm::apps {

bool stdin_is_terminal();
bool stdout_is_terminal();
bool stderr_is_terminal();

// A bar on standard error if that is a terminal, else nothing. Cleared when it is done or
// destroyed.
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
};

// From now on Ctrl-C only sets a flag that interrupted() tells. A second one, before the first was
// cleared, ends the program as if it had not been caught. System calls that wait return EINTR.
void catch_interrupts();
bool interrupted();
void clear_interrupt();

// Throws Interrupted (exit_code.h) after a Ctrl-C.
void leave_if_interrupted();

}  // namespace xlstm::apps
