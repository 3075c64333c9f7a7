// Stop strings across token borders.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

// Holds back text that may still become a stop string. Nothing of a stop string is ever let
// through.
//
// The stop that is met is the one whose last byte comes first; of several that end together, the
// longest. So what is shown does not depend on how the text was cut into pieces, and nothing waits
// for a longer stop once a shorter one is complete. Time is linear in the text, times the number of
// stops (one Knuth-Morris-Pratt automaton each).
class StopScanner {
 public:
  // Throws Error(kUsage) when one of `stops` is empty or not UTF-8.
  explicit StopScanner(std::vector<std::string> stops);

  // Adds UTF-8 text, whole characters; returns what can be shown now, whole characters too. After a
  // stop was met it returns "".
  std::string push(std::string_view text);

  // The stream ended without a stop: what was held back.
  std::string finish();

  bool stopped() const { return stopped_; }
  const std::string& matched() const { return matched_; }  // the stop string that was met

 private:
  struct Pattern {
    std::string text;
    std::vector<std::size_t> border;  // [i]: longest proper border of the first i + 1 bytes
    std::size_t length = 0;           // how much of `text` the stream's end matches
  };
  static void advance(Pattern& pattern, char byte);
  const Pattern& longest() const;  // the pattern with the largest length

  std::vector<Pattern> patterns_;
  std::string held_;
  bool stopped_ = false;
  std::string matched_;
};

}  // namespace xlstm
