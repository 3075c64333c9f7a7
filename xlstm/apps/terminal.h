// What we ask of a terminal: whether there is one, a progress bar.
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

}  // namespace xlstm::apps
