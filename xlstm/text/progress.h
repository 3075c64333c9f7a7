// Progress of long work on a text, reported now and then; a report may stop the work.
#pragma once

#include <cstddef>
#include <functional>

namespace xlstm::text {

class Progress {
 public:
  Progress() = default;  // reports to no one

  // `on_progress` gets the share of `total` bytes that is done and may throw to stop the work;
  // it must outlive this.
  Progress(const std::function<void(double)>& on_progress, std::size_t total)
      : on_progress_(on_progress ? &on_progress : nullptr), total_(total) {}

  // Work as much as `amount` bytes take; next to free.
  void work(std::size_t amount) {
    since_ += amount;
    if (since_ >= kEvery) report();
  }

  // The same, and so much of the text is done.
  void advance(std::size_t bytes) {
    done_ += bytes;
    work(bytes);
  }

 private:
  static constexpr std::size_t kEvery = 1 << 16;  // bytes: some milliseconds of work

  void report() {
    since_ = 0;
    if (on_progress_ == nullptr) return;
    // A normalizer may have made the text longer than it was.
    const bool is_part = done_ < total_;
    (*on_progress_)(is_part ? static_cast<double>(done_) / static_cast<double>(total_) : 1.0);
  }

  const std::function<void(double)>* on_progress_ = nullptr;
  std::size_t total_ = 0, done_ = 0, since_ = 0;
};

}  // namespace xlstm::text
