#include "xlstm/generate/stop.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

std::vector<std::size_t> borders(const std::string& text) {
  std::vector<std::size_t> border(text.size(), 0);
  for (std::size_t i = 1; i < text.size(); ++i) {
    std::size_t length = border[i - 1];
    while (length > 0 && text[length] != text[i]) length = border[length - 1];
    border[i] = length + (text[length] == text[i] ? 1 : 0);
  }
  return border;
}

void check_stop(const std::string& stop) {
  if (stop.empty()) fail_wanted(ErrorKind::kUsage, "stop", "a text that is not empty", "\"\"");
  if (utf8_first_error(stop) != std::string::npos) {
    fail_wanted(ErrorKind::kUsage, "stop", "UTF-8", quoted(stop));
  }
}

}  // namespace

StopScanner::StopScanner(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    check_stop(stop);
    std::vector<std::size_t> border = borders(stop);
    patterns_.push_back({std::move(stop), std::move(border), 0});
  }
}

void StopScanner::advance(Pattern& pattern, char byte) {
  std::size_t& length = pattern.length;
  while (length > 0 && pattern.text[length] != byte) length = pattern.border[length - 1];
  if (pattern.text[length] == byte) ++length;
}

const StopScanner::Pattern& StopScanner::longest() const {
  return *std::max_element(patterns_.begin(), patterns_.end(),
                           [](const Pattern& a, const Pattern& b) { return a.length < b.length; });
}

std::string StopScanner::push(std::string_view text) {
  if (stopped_) return "";
  if (patterns_.empty()) return std::string(text);
  for (const char byte : text) {
    held_ += byte;
    const Pattern* met = nullptr;
    for (Pattern& pattern : patterns_) {
      advance(pattern, byte);
      const bool complete = pattern.length == pattern.text.size();
      if (complete && (met == nullptr || pattern.length > met->length)) met = &pattern;
    }
    if (met != nullptr) {
      stopped_ = true;
      matched_ = met->text;
      held_.resize(held_.size() - met->length);
      return std::exchange(held_, {});
    }
  }
  // Whatever lies before the longest beginning of a stop can no longer be part of one.
  std::string shown = held_.substr(0, held_.size() - longest().length);
  held_.erase(0, shown.size());
  return shown;
}

std::string StopScanner::finish() {
  for (Pattern& pattern : patterns_) pattern.length = 0;
  return std::exchange(held_, {});
}

}  // namespace xlstm
