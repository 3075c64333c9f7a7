#include "xlstm/text/gpt2_scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/text/random_text.h"
#include "xlstm/base/error.h"
#include "xlstm/text/characters.h"
#include "xlstm/text/pattern.h"

namespace xlstm::text {
namespace {

std::string utf8(char32_t c) {
  std::string text;
  append_utf8(text, c);
  return text;
}

// What PCRE2 takes a character for, asked once for each.
class Pcre2Classes {
 public:
  std::uint8_t of(char32_t c) {
    const std::string text = utf8(c);
    if (matches(letters_, text)) return kLetter;
    if (matches(numbers_, text)) return kNumber;
    return matches(spaces_, text) ? kSpace : 0;
  }
  bool knows(char32_t c) { return !matches(unassigned_, utf8(c)); }

 private:
  static bool matches(Pattern::Matcher& matcher, const std::string& text) {
    matcher.start(text);
    return matcher.next().has_value();
  }

  Pattern letter_pattern_{R"(\p{L})", "test"}, number_pattern_{R"(\p{N})", "test"};
  Pattern space_pattern_{R"(\s)", "test"}, unassigned_pattern_{R"(\p{Cn})", "test"};
  Pattern::Matcher letters_{letter_pattern_}, numbers_{number_pattern_};
  Pattern::Matcher spaces_{space_pattern_}, unassigned_{unassigned_pattern_};
};

constexpr std::uint8_t kScanned = kLetter | kNumber | kSpace;

// The tables are Unicode 16's and PCRE2 has its own version's: only characters that one of the two
// does not know yet may differ.
TEST(Gpt2Scanner, ClassesAreThoseOfThePattern) {
  Pcre2Classes pcre2;
  std::size_t newer = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    const std::uint8_t ours = classes_of(c) & kScanned;
    if (ours == pcre2.of(c)) continue;
    ASSERT_TRUE(ours == 0 || !pcre2.knows(c)) << std::hex << static_cast<std::uint32_t>(c);
    ++newer;
  }
  EXPECT_LT(newer, 20000U);
}

TEST(Gpt2Scanner, CutsAsThePatternDoes) {
  RandomText random(3);
  Pcre2Classes classes;
  const Pattern pattern(kGpt2Pattern, "test");
  Pattern::Matcher matcher(pattern);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (std::uint32_t i = random.below(30); i > 0; --i) {
      const char32_t c = random.code_point();
      if ((classes_of(c) & kScanned) == classes.of(c)) append_utf8(text, c);
      if (random.below(4) == 0)
        text += std::string_view("' '\n \tst1r2velmda").substr(random.below(16), 2);
    }
    std::size_t at = 0;
    matcher.start(text);
    while (const auto match = matcher.next()) {
      ASSERT_EQ(match->begin, at) << quoted(text);
      at = gpt2_piece_end(text, at);
      ASSERT_EQ(match->end, at) << quoted(text);
    }
    ASSERT_EQ(at, text.size()) << quoted(text);
  }
}

}  // namespace
}  // namespace xlstm::text
