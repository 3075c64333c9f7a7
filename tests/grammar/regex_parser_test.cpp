// Which patterns there are; what they match is in automaton_test.cpp.
#include "xlstm/grammar/regex_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/expect_error.h"

namespace xlstm::grammar {
namespace {

struct Refused {
  std::string pattern;
  std::string offset;
  std::string why;
};

TEST(RegexParser, SaysWhereAndWhatIsWrong) {
  const std::vector<Refused> cases = {
      {"a(b", "offset 3", "wanted ')' for the '(' at 1, got the end"},
      {"a)b", "offset 1", "wanted the end, got ')' without '('"},
      {"[ab", "offset 3", "wanted ']' for the '[' at 0, got the end"},
      {"x[]", "offset 3", "']'"},
      {"[z-a]", "offset 1", "wanted a range from a character to one that is not before it"},
      {"[a-\\d]", "offset 1", "a range"},
      {"[\\d-z]", "offset 1", "a range"},
      {"a[^\\d\\D]", "offset 1", "wanted a set with a character in it, got an empty one"},
      {"*a", "offset 0", "wanted something to repeat, got \"*\""},
      {"a|+", "offset 2", "wanted something to repeat"},
      {"({2})", "offset 1", "wanted something to repeat"},
      {"a**", "offset 2", "wanted something to repeat"},
      {"a{2}{3}", "offset 4", "wanted something to repeat"},
      {"a++", "offset 2", "a possessive '+'"},
      {"a{3,2}", "offset 4", "wanted at least 3, got 2"},
      {"a{100001}", "offset 2", "wanted a count of at most 100000"},
      {"a{99999999999999999999}", "offset 2", "wanted a count of at most 100000"},
      {"a{,2}", "offset 2", "{0,n}"},
      {"(a)\\1", "offset 3", "a backreference"},
      {"(?<n>a)\\k<n>", "offset 7", "a backreference"},
      {"a(?=b)", "offset 1", "lookaround"},
      {"a(?!b)", "offset 1", "lookaround"},
      {"(?<=b)", "offset 0", "lookaround"},
      {"(?<!b)", "offset 0", "lookaround"},
      {"(?i)a", "offset 0", "flags"},
      {"(?<>a)", "offset 3", "a name"},
      {"(?P<n", "offset 5", "a name of letters and digits, and '>'"},
      {"\\bword", "offset 0", "a word boundary"},
      {"\\p{L}", "offset 0", "a property of Unicode"},
      {"\\q", "offset 0", "'\\q'"},
      {"a\\", "offset 2", "wanted a character behind '\\'"},
      {"\\xG1", "offset 2", "2 hexadecimal digits"},
      {"\\x4", "offset 3", "2 hexadecimal digits, got the end"},
      {"\\u{}", "offset 3", "hexadecimal digits and '}'"},
      {"\\u{41", "offset 5", "hexadecimal digits and '}'"},
      {"\\u{110000}", "offset 2", "a character of Unicode"},
      {"\\uD800", "offset 2", "a character of Unicode"},
      {"\\01", "offset 0", "octal"},
      {"[[:alpha:]]", "offset 1", "a class of POSIX"},
      {"a^b", "offset 1", "'^' behind the start"},
      {"a$b", "offset 1", "'$' with more behind it"},
      {"(a$)b", "offset 2", "'$' with more behind it"},
      {"(^a)*", "offset 4", "repeated '^' or '$'"},
      {"(a|b$)+", "offset 6", "repeated '^' or '$'"},
      {"a(^b)", "offset 2", "'^' behind the start"},
      {"a\xFFz", "offset 1", "UTF-8"},
      {std::string(201, '(') + std::string(201, ')'), "offset 200", "at most 200 groups"},
  };
  for (const Refused& each : cases) {
    SCOPED_TRACE(each.pattern);
    expect_error(ErrorKind::kUsage, {"regular expression", each.offset, each.why},
                 [&] { parse_regex(each.pattern); });
  }
}

TEST(RegexParser, TakesWhatChangesNothing) {
  for (const char* pattern :
       {"",   "^$",   "^a|b$", "(^a|^b)(c|d$)", "a*?",  "a+?",     "a??",  "a{2,3}?", "{",
        "}",  "]",    "a{",    "{x}",           "a{1",  "a{1,x}",  "(?:)", "()",      "(|a)",
        "a|", "[]a]", "[^]a]", "[a-]",          "[-a]", "[a\\-z]", "\\.",  "\\/",     "[\\]]",
        "é+", "[α-ω]"}) {
    SCOPED_TRACE(pattern);
    EXPECT_NO_THROW(parse_regex(pattern));
  }
  const std::string deep = std::string(200, '(') + "a" + std::string(200, ')');
  EXPECT_NO_THROW(parse_regex(deep));
}

TEST(CharacterSet, JoinsRangesAndLeavesSurrogatesOut) {
  const CharacterSet set = character_set({{5, 9}, {1, 3}, {4, 4}, {20, 30}, {25, 26}, {9, 2}});
  EXPECT_EQ(set, (CharacterSet{{1, 9}, {20, 30}}));
  EXPECT_EQ(all_but(set), (CharacterSet{{0, 0}, {10, 19}, {31, 0xD7FF}, {0xE000, 0x10FFFF}}));
  EXPECT_EQ(all_but(all_but(set)), set);
  EXPECT_TRUE(character_set({{0xD800, 0xDFFF}}).empty());
  EXPECT_TRUE(all_but(all_but({})).empty());
  EXPECT_EQ(character_set({{0xD000, 0xE010}}), (CharacterSet{{0xD000, 0xD7FF}, {0xE000, 0xE010}}));
}

}  // namespace
}  // namespace xlstm::grammar
