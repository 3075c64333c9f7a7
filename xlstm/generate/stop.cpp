#include "xlstm/generate/stop.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"

namespace xlstm {
namespace {

constexpr std::int64_t kFirstToken = 256;

std::vector<std::size_t> borders(const std::vector<std::int64_t>& symbols) {
  std::vector<std::size_t> border(symbols.size(), 0);
  for (std::size_t i = 1; i < symbols.size(); ++i) {
    std::size_t length = border[i - 1];
    while (length > 0 && symbols[length] != symbols[i]) length = border[length - 1];
    border[i] = length + (symbols[length] == symbols[i] ? 1 : 0);
  }
  return border;
}

std::vector<std::size_t> counted_bytes(const std::vector<std::int64_t>& symbols) {
  std::vector<std::size_t> count = {0};
  for (const std::int64_t symbol : symbols) {
    count.push_back(count.back() + (symbol < kFirstToken ? 1 : 0));
  }
  return count;
}

void append_bytes(std::vector<std::int64_t>& symbols, std::string_view text) {
  for (const char byte : text) symbols.push_back(static_cast<unsigned char>(byte));
}

void check_stop(const std::string& stop) {
  if (stop.empty()) fail_wanted(ErrorKind::kUsage, "stop", "a text that is not empty", "\"\"");
  if (utf8_first_error(stop) != std::string::npos) {
    fail_wanted(ErrorKind::kUsage, "stop", "UTF-8", quoted(stop));
  }
}

}  // namespace

StopScanner::StopScanner(const std::vector<std::string>& stops) {
  for (const std::string& stop : stops) {
    check_stop(stop);
    std::vector<Symbol> symbols;
    append_bytes(symbols, stop);
    add(stop, std::move(symbols), false);
  }
}

StopScanner::StopScanner(const std::vector<std::string>& stops, const Tokenizer& tokenizer)
    : StopScanner(stops) {
  for (const std::string& stop : stops) {
    std::vector<Symbol> symbols;
    bool has_hidden = false;
    for (const TextOrToken& part : tokenizer.split_hidden(stop)) {
      if (part.token) {
        symbols.push_back(kFirstToken + *part.token);
        has_hidden = true;
      } else {
        append_bytes(symbols, part.text);
      }
    }
    if (has_hidden) add(stop, std::move(symbols), true);
  }
}

void StopScanner::add(const std::string& stop, std::vector<Symbol> symbols, bool has_hidden) {
  std::vector<std::size_t> border = borders(symbols), bytes = counted_bytes(symbols);
  patterns_.push_back(
      {stop, std::move(symbols), has_hidden, std::move(border), std::move(bytes), 0});
  names_hidden_ = names_hidden_ || has_hidden;
}

void StopScanner::advance(Pattern& pattern, Symbol symbol) {
  std::size_t& length = pattern.length;
  while (length > 0 && pattern.symbols[length] != symbol) length = pattern.border[length - 1];
  if (pattern.symbols[length] == symbol) ++length;
}

void StopScanner::take(Symbol symbol) {
  const Pattern* met = nullptr;
  for (Pattern& pattern : patterns_) {
    if (symbol >= kFirstToken && !pattern.has_hidden) continue;
    advance(pattern, symbol);
    const bool complete = pattern.length == pattern.symbols.size();
    if (complete && (met == nullptr || pattern.held() > met->held())) met = &pattern;
  }
  if (met == nullptr) return;
  stopped_ = true;
  matched_ = met->text;
  held_.resize(held_.size() - met->held());
}

// Whatever lies before the longest beginning of a stop can no longer be part of one.
std::string StopScanner::shown() {
  if (stopped_) return std::exchange(held_, {});
  std::size_t most = 0;
  for (const Pattern& pattern : patterns_) most = std::max(most, pattern.held());
  std::string text = held_.substr(0, held_.size() - most);
  held_.erase(0, text.size());
  return text;
}

std::string StopScanner::push(std::string_view text) {
  if (stopped_) return "";
  if (patterns_.empty()) return std::string(text);
  for (const char byte : text) {
    held_ += byte;
    take(static_cast<unsigned char>(byte));
    if (stopped_) break;
  }
  return shown();
}

std::string StopScanner::push_hidden(TokenId id) {
  if (stopped_) return "";
  take(kFirstToken + id);
  return shown();
}

std::string StopScanner::finish() {
  for (Pattern& pattern : patterns_) pattern.length = 0;
  return std::exchange(held_, {});
}

}  // namespace xlstm
