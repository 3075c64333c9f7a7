// Stop strings across token borders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/text/tokenizer.h"

namespace xlstm {

// Holds back text that may still become a stop string. Nothing of a stop string is ever let
// through.
//
// A stop is met in the text that is shown; one that contains the text of hidden tokens, such as
// "<|im_end|>\n", also where those tokens come, in the stream of text and tokens.
//
// The stop that is met is the one that ends first; of several that end together, the one with the
// most shown text. So what is shown does not depend on how the text was cut into pieces, and
// nothing waits for a longer stop once a shorter one is complete. Time is linear in the text, times
// the number of stops (one or two Knuth-Morris-Pratt automata each).
class StopScanner {
 public:
  // Throws Error(kUsage) when one of `stops` is empty or not UTF-8.
  explicit StopScanner(const std::vector<std::string>& stops);
  // With the hidden tokens of `tokenizer`.
  StopScanner(const std::vector<std::string>& stops, const Tokenizer& tokenizer);

  // Adds UTF-8 text, whole characters; returns what can be shown now, whole characters too. After a
  // stop was met it returns "".
  std::string push(std::string_view text);

  // A token comes whose text is hidden.
  std::string push_hidden(TokenId id);

  // The stream ended without a stop: what was held back.
  std::string finish();

  bool stopped() const { return stopped_; }
  const std::string& matched() const { return matched_; }  // the stop string that was met
  bool names_hidden() const { return names_hidden_; }      // whether some stop contains tokens

 private:
  using Symbol = std::int64_t;  // a byte, or 256 and the id of a hidden token

  struct Pattern {
    std::string text;
    std::vector<Symbol> symbols;
    bool has_hidden;                  // else hidden tokens are no part of the stream
    std::vector<std::size_t> border;  // [i]: longest proper border of the first i + 1 symbols
    std::vector<std::size_t> bytes;   // [i]: of the first i symbols, those that are bytes
    std::size_t length = 0;           // how many symbols the stream's end matches

    std::size_t held() const { return bytes[length]; }
  };
  void add(const std::string& stop, std::vector<Symbol> symbols, bool has_hidden);
  static void advance(Pattern& pattern, Symbol symbol);
  void take(Symbol symbol);  // may stop
  std::string shown();       // what can be shown now

  std::vector<Pattern> patterns_;
  bool names_hidden_ = false;
  std::string held_;
  bool stopped_ = false;
  std::string matched_;
};

}  // namespace xlstm
