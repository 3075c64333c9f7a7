// Progress of a download for people: bars on a terminal, plain lines now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "xlstm/apps/terminal.h"
#include "xlstm/hub/hub.h"

namespace xlstm::apps {

// The mean of the last seconds.
class TransferRate {
 public:
  void add(double seconds, std::uint64_t received);
  double bytes_per_second() const;

 private:
  struct Sample {
    double seconds;
    std::uint64_t received;
  };
  std::vector<Sample> samples_;
};

// One line for a file, or for all: "model.safetensors [####   ]  40%  1.2 GiB of 3.0 GiB".
std::string file_line(const FileProgress& file, int columns);
std::string total_line(const FetchProgress& progress, double bytes_per_second, int columns);
// "3:05", "1:00:00"
std::string duration_text(double seconds);

// Shows what fetch() tells, on standard error; nothing where HF_HUB_DISABLE_PROGRESS_BARS is set.
// Bars are cleared when it is destroyed.
class DownloadProgress {
 public:
  DownloadProgress();
  ~DownloadProgress();
  DownloadProgress(const DownloadProgress&) = delete;
  DownloadProgress& operator=(const DownloadProgress&) = delete;

  void update(const FetchProgress& progress);
  void note(const std::string& sentence);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const std::vector<std::string>& lines);
  void clear();
  void tell(const FetchProgress& progress, double seconds);

  enum class Style { kNone, kBars, kOneBar, kLines };
  Style style_;
  Clock::time_point start_ = Clock::now();
  TransferRate rate_;
  double told_ = 0;                     // seconds after the start, of the last plain line
  bool shown_ = false, ended_ = false;  // whether one was, and the last
  int rows_ = 0;                        // of bars, drawn now
  ProgressBar bar_{"Fetching"};         // where they cannot be
};

// `options` with a progress and notices on standard error; Ctrl-C stops.
HubOptions with_progress(HubOptions options, DownloadProgress& progress);

}  // namespace xlstm::apps
