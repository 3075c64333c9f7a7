#include "xlstm/apps/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

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
  const std::string bar(static_cast<std::size_t>(percent * kWidth / 100), '#');
  std::fprintf(stderr, "\r%s [%-*s] %3d%%", label_.c_str(), kWidth, bar.c_str(), percent);
  std::fflush(stderr);
}

void ProgressBar::clear() {
  if (percent_ < 0) return;
  percent_ = -1;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
}

}  // namespace xlstm::apps
