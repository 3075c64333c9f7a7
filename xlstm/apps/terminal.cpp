#include "xlstm/apps/terminal.h"

#include <unistd.h>

#include <algorithm>

#include "xlstm/apps/streams.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {

bool stdin_is_terminal() {
  return isatty(STDIN_FILENO) == 1;
}
bool stdout_is_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}
bool stderr_is_terminal() {
  return isatty(STDERR_FILENO) == 1;
}

ProgressBar::ProgressBar(std::string_view label) : label_(label), shown_(stderr_is_terminal()) {}

ProgressBar::~ProgressBar() {
  clear();
}

void ProgressBar::update(double share) {
  constexpr int kWidth = 32;
  const int percent = static_cast<int>(std::clamp(share, 0.0, 1.0) * 100);
  if (!shown_ || percent == percent_) return;
  percent_ = percent;
  std::string bar(static_cast<std::size_t>(percent * kWidth / 100), '#');
  bar.resize(kWidth, ' ');
  const std::string number = std::to_string(percent);
  write_note(str("\r", label_, " [", bar, "] ", std::string(3 - number.size(), ' '), number, "%"));
}

void ProgressBar::clear() {
  if (percent_ < 0) return;
  percent_ = -1;
  write_note("\r\033[K");
}

}  // namespace xlstm::apps
