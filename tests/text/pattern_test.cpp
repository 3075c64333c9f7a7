#include "xlstm/text/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "xlstm/base/error.h"
#include "xlstm/text/pattern_syntax.h"

namespace xlstm::text {
namespace {

using testing::HasSubstr;

std::vector<std::string> matches(std::string_view expression, std::string_view text) {
  const Pattern pattern(expression, "test");
  Pattern::Matcher matcher(pattern);
  matcher.start(text);
  std::vector<std::string> found;
  while (const auto match = matcher.next()) {
    found.emplace_back(text.substr(match->begin, match->end - match->begin));
  }
  return found;
}

// Most of what patterns mean is tested against the reference, in pre_tokenizers.json.
TEST(Pattern, FindsAllMatches) {
  using Found = std::vector<std::string>;
  EXPECT_EQ(matches("a+", "aabaaa"), (Found{"aa", "aaa"}));
  EXPECT_EQ(matches("a", ""), Found{});
  EXPECT_EQ(matches("x*", "axb"), (Found{"", "x", ""}));
  EXPECT_EQ(matches("\\w+", "\u00E9\u0301_1 -"), (Found{"\u00E9\u0301_1"}));
  EXPECT_EQ(matches("(?<=a)b", "abb"), (Found{"b"}));
}

TEST(Pattern, IsRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {{"[a-z&&[^b]]", "intersection"},
                                                       {"[a[bc]]", "a class in a class"},
                                                       {"a|b(?i)c", "middle of a group"},
                                                       {"(?x)a", "the option \"x\""},
                                                       {"(?s).", "the option \"s\""},
                                                       {"\\K", "\\K"},
                                                       {"\\Qa\\E", "\\Q"},
                                                       {"[\\W]", "\\W"},
                                                       {"(*ACCEPT)", "verb"},
                                                       {"\\p{Klingon}", "Klingon"},
                                                       {"(a", "pattern"},
                                                       {"a)", "a ) without ("},
                                                       {"*a", "nothing to repeat"},
                                                       {"[a", "ends too early"},
                                                       {"a\\", "ends too early"},
                                                       {"\\x{110000}", "pattern"},
                                                       {"\\xE9", "byte"},
                                                       {"[a-\\s]", "range that ends with a set"},
                                                       {"[[:graph:]]", "graph"},
                                                       {"\\pL", "without braces"},
                                                       {"(?<=a+)b", "pattern"},
                                                       {"\\12", "more than one digit"}};
  for (const auto& [expression, reason] : cases) {
    try {
      const Pattern pattern(expression, "here");
      ADD_FAILURE() << expression << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kModel) << expression;
      EXPECT_THAT(error.what(), HasSubstr(reason)) << expression;
      EXPECT_THAT(error.what(), HasSubstr("[here]")) << expression;
    }
  }
}

TEST(Pattern, RunawaySearchIsAnError) {
  const Pattern pattern("(?:a|aa)+[cd]", "test");
  Pattern::Matcher matcher(pattern);
  const std::string text(5000, 'a');
  matcher.start(text);
  try {
    matcher.next();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
}

TEST(Pattern, LongPiecesAreFound) {
  const std::string text(1 << 20, 'a');
  EXPECT_EQ(matches("(?:a|b)+", text).size(), 1U);
  EXPECT_EQ(matches("\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", std::string(1 << 20, ' ')).size(), 1U);
}

TEST(PatternSyntax, LeavesWhatMeansTheSame) {
  for (const char* same :
       {"a|b", "(?:a+?b*+)", "[^ab-]\\p{L}", "(?=x)(?!y)(?<=z)(?<!w)", "\\/\\."}) {
    std::string made = pcre2_from_oniguruma(same, "test");
    if (made == "[^ab\\-]\\p{L}") made = "[^ab-]\\p{L}";
    EXPECT_EQ(made, same);
  }
}

}  // namespace
}  // namespace xlstm::text
