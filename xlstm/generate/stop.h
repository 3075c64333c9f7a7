// Stop strings across token borders.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

// Holds back text that may still become a stop string. Nothing of a stop string is ever let through.
class StopScanner {
 public:
  // Empty strings in `stops` throw Error(kUsage).
  explicit StopScanner(std::vector<std::string> stops);

  // Adds text; returns what can be shown now. After a stop was met it returns "".
  std::string push(std::string_view text);

  // The stream ended without a stop: what was held back.
  std::string finish();

  bool stopped() const { return stopped_; }
  const std::string& matched() const { return matched_; }  // the stop string that was met

 private:
  std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
  std::string matched_;
};

}  // namespace xlstm
