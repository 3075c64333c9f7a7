// Regular expressions of tokenizer files, which are written for Oniguruma, run by PCRE2.
//
// Their character classes are those of PCRE2's Unicode version (14 in PCRE2 10.42, where the
// reference has 16): characters that are newer count as unassigned. GPT-2's own pattern
// (gpt2_scanner.h) has the reference's classes. Case-insensitive patterns do not match one
// character by several (sharp s by SS).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace xlstm::text {

struct Match {
  std::size_t begin, end;  // offsets in bytes
};

class Pattern {
 public:
  // `expression` in Oniguruma's own syntax. Throws Error(kModel) naming what we cannot run.
  Pattern(std::string_view expression, std::string_view where);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // One thread's search. The pattern outlives it.
  class Matcher {
   public:
    explicit Matcher(const Pattern& pattern);
    ~Matcher();
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;

    // Begins to search `text`: well-formed UTF-8 that stays in place until the last next().
    void start(std::string_view text);

    // The next match from left to right. Matches do not overlap; an empty one right after the last
    // is left out. Throws Error(kUsage) when the search takes too much time or memory.
    std::optional<Match> next();

   private:
    std::optional<Match> search();

    const Pattern& pattern_;
    struct MatchMemory;
    std::unique_ptr<MatchMemory> memory_;
    std::string_view text_;
    std::size_t from_ = 0;  // where the next search starts; past the end: done
    std::optional<std::size_t> last_end_;
  };

 private:
  struct Code;
  std::unique_ptr<Code> code_;
  std::string shown_;  // for messages
};

}  // namespace xlstm::text
