// All that is wrong with a model, gathered so that one message can say it all.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

class Diagnostics {
 public:
  static constexpr std::size_t kListed = 20;

  // Adds the fault that `text()` describes. Only the first kListed are put into words, so a hostile
  // file with a million of them costs a million increments.
  template <typename Text>
  void add(const Text& text) {
    if (lines_.size() < kListed) lines_.push_back(text());
    ++count_;
  }

  std::uint64_t count() const { return count_; }

  // Throws Error(kModel) with a line for each listed fault and the count of the rest, if there are
  // any: "[where] this model cannot be run: 2 faults:\n  - ...\n  - ...".
  void throw_if_any(std::string_view where) const;

 private:
  std::vector<std::string> lines_;
  std::uint64_t count_ = 0;
};

}  // namespace xlstm
