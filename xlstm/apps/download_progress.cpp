#include "xlstm/apps/download_progress.h"

#include <algorithm>

#include "xlstm/apps/interrupts.h"
#include "xlstm/apps/streams.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/base/error.h"
#include "xlstm/base/memory.h"

namespace xlstm::apps {
namespace {

constexpr double kRateSeconds = 10;       // that a rate is the mean of
constexpr double kTellSeconds = 10;       // between plain lines
constexpr std::size_t kMostFileRows = 8;  // of bars that are drawn
constexpr std::size_t kLongestName = 40;

// The end of a long name tells more than its beginning.
std::string shown_name(const std::string& name) {
  if (name.size() <= kLongestName) return name;
  const auto is_inside = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  std::size_t begin = name.size() - kLongestName + 3;
  while (begin < name.size() && is_inside(name[begin])) ++begin;  // of a character of UTF-8
  return "..." + name.substr(begin);
}

std::optional<int> percent_of(std::uint64_t done, std::optional<std::uint64_t> size) {
  if (!size) return std::nullopt;
  if (*size == 0) return 100;
  return static_cast<int>(100.0 * static_cast<double>(std::min(done, *size)) /
                          static_cast<double>(*size));
}

std::string amount(std::uint64_t done, std::optional<std::uint64_t> size) {
  return size ? str(human_bytes(done), " of ", human_bytes(*size)) : human_bytes(done);
}

// "120 MiB/s, 3:05 left"
std::string speed(const FetchProgress& progress, double rate) {
  if (rate <= 0) return "";
  std::string text = human_bytes(static_cast<std::uint64_t>(rate)) + "/s";
  if (progress.size && *progress.size > progress.done) {
    const auto left = static_cast<double>(*progress.size - progress.done);
    text += ", " + duration_text(left / rate) + " left";
  }
  return text;
}

// Those that are under way, as many as there is room for.
std::vector<std::string> bar_lines(const FetchProgress& progress, double rate) {
  const TerminalSize terminal = terminal_size();
  const auto rows = static_cast<std::size_t>(std::max(0, terminal.rows - 3));
  std::vector<std::string> lines;
  for (const FileProgress& file : progress.files) {
    if (lines.size() == std::min(rows, kMostFileRows)) break;
    if (!file.complete && file.done > 0) lines.push_back(file_line(file, terminal.columns));
  }
  lines.push_back(total_line(progress, rate, terminal.columns));
  return lines;
}

}  // namespace

void TransferRate::add(double seconds, std::uint64_t received) {
  samples_.push_back({seconds, received});
  while (samples_.size() > 2 && samples_[1].seconds <= seconds - kRateSeconds) {
    samples_.erase(samples_.begin());
  }
}

double TransferRate::bytes_per_second() const {
  if (samples_.size() < 2) return 0;
  const double seconds = samples_.back().seconds - samples_.front().seconds;
  const auto bytes = static_cast<double>(samples_.back().received - samples_.front().received);
  return seconds > 0 ? bytes / seconds : 0;
}

std::string duration_text(double seconds) {
  constexpr double kMost = 359999;  // 99:59:59
  const auto whole = static_cast<std::int64_t>(std::clamp(seconds, 0.0, kMost));
  const auto two = [](std::int64_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
  };
  const std::int64_t hours = whole / 3600, minutes = whole / 60 % 60;
  return hours > 0 ? str(hours, ":", two(minutes), ":", two(whole % 60))
                   : str(minutes, ":", two(whole % 60));
}

std::string file_line(const FileProgress& file, int columns) {
  return bar_text(shown_name(file.name), percent_of(file.done, file.size), columns,
                  amount(file.done, file.size));
}

std::string total_line(const FetchProgress& progress, double rate, int columns) {
  const std::string fast = speed(progress, rate);
  const std::string text = amount(progress.done, progress.size) + (fast.empty() ? "" : ", " + fast);
  return bar_text("Fetching", percent_of(progress.done, progress.size), columns, text);
}

DownloadProgress::DownloadProgress() {
  if (hub_progress_disabled()) {
    style_ = Style::kNone;
  } else if (!stderr_is_terminal()) {
    style_ = Style::kLines;
  } else {
    style_ = terminal_has_controls() ? Style::kBars : Style::kOneBar;
  }
}

DownloadProgress::~DownloadProgress() {
  clear();
}

void DownloadProgress::clear() {
  if (rows_ > 0) write_note(str("\x1b[", rows_, "A\x1b[J"));
  rows_ = 0;
}

// Over the lines that stand there now.
void DownloadProgress::draw(const std::vector<std::string>& lines) {
  std::string out = rows_ > 0 ? str("\x1b[", rows_, "A") : "";
  for (const std::string& line : lines) out += line + "\x1b[K\n";
  write_note(out + "\x1b[J");
  rows_ = static_cast<int>(lines.size());
}

void DownloadProgress::tell(const FetchProgress& progress, double seconds) {
  const bool is_end = progress.size && progress.done == *progress.size;
  if (shown_ && !is_end && seconds - told_ < kTellSeconds) return;
  if (is_end && ended_) return;
  const std::string fast = speed(progress, rate_.bytes_per_second());
  write_note(str("xlstm: fetching, ", amount(progress.done, progress.size),
                 fast.empty() ? "" : ", " + fast, "\n"));
  told_ = seconds;
  shown_ = true;
  ended_ = is_end;
}

void DownloadProgress::update(const FetchProgress& progress) {
  const bool only_links = progress.received == 0 && progress.done == progress.size;
  if (style_ == Style::kNone || only_links) return;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  rate_.add(seconds, progress.received);
  if (style_ == Style::kBars) {
    draw(bar_lines(progress, rate_.bytes_per_second()));
  } else if (style_ == Style::kOneBar) {
    const auto share = percent_of(progress.done, progress.size);
    bar_.update(share ? std::optional(*share / 100.0) : std::nullopt,
                amount(progress.done, progress.size));
  } else {
    tell(progress, seconds);
  }
}

void DownloadProgress::note(const std::string& sentence) {
  clear();
  bar_.clear();
  write_note("xlstm: " + sentence + "\n");
}

HubOptions with_progress(HubOptions options, DownloadProgress& progress) {
  options.on_progress = [&progress](const FetchProgress& now) { progress.update(now); };
  options.on_notice = [&progress](const std::string& sentence) { progress.note(sentence); };
  options.cancelled = [&progress] {
    if (interrupted()) progress.note(kFetchStopped);
    throw_if_interrupted();
    return false;
  };
  return options;
}

}  // namespace xlstm::apps
