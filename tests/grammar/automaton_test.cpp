// Automata against std::regex on all short texts, and against UTF-8's definition.
#include "xlstm/grammar/automaton.h"

#include <gtest/gtest.h>

#include <map>
#include <queue>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/expect_error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/grammar/regex_parser.h"
#include "xlstm/grammar/utf8_ranges.h"

namespace xlstm::grammar {
namespace {

using Kind = Automaton::Step::Kind;

enum class Outcome { kRefused, kOpen, kMatch };

// Of an automaton without rules.
Outcome read(Automaton& automaton, std::string_view text) {
  Automaton::State state = automaton.start();
  for (const char byte : text) {
    const auto step = automaton.step(state, static_cast<std::uint8_t>(byte));
    if (step.kind != Kind::kTo) return Outcome::kRefused;
    state = step.state;
  }
  return automaton.is_end(state) ? Outcome::kMatch : Outcome::kOpen;
}

std::vector<std::string> texts_up_to(std::size_t size, std::string_view alphabet) {
  std::vector<std::string> texts = {""};
  for (std::size_t i = 0; i < texts.size() && texts[i].size() < size; ++i) {
    for (const char c : alphabet) texts.push_back(texts[i] + c);
  }
  return texts;
}

// Matches as std::regex does, and keeps open every prefix of a match.
void expect_as_std_regex(const std::string& pattern, const std::vector<std::string>& texts) {
  SCOPED_TRACE(pattern);
  Automaton automaton({parse_regex(pattern)});
  const std::regex truth(pattern);
  std::set<std::string> prefixes;
  for (const std::string& text : texts) {
    const bool matches = std::regex_match(text, truth);
    EXPECT_EQ(read(automaton, text) == Outcome::kMatch, matches) << text;
    if (!matches) continue;
    for (std::size_t i = 0; i <= text.size(); ++i) prefixes.insert(text.substr(0, i));
  }
  for (const std::string& text : prefixes) {
    EXPECT_NE(read(automaton, text), Outcome::kRefused) << text;
  }
}

// From each state that can be reached the end can be, too.
void expect_no_dead_end(const std::string& pattern) {
  SCOPED_TRACE(pattern);
  Automaton automaton({parse_regex(pattern)});
  std::map<Automaton::State, std::vector<Automaton::State>> before;
  std::set<Automaton::State> seen = {automaton.start()};
  std::queue<Automaton::State> open({automaton.start()});
  for (; !open.empty(); open.pop()) {
    for (int byte = 0; byte < 256; ++byte) {
      const auto step = automaton.step(open.front(), static_cast<std::uint8_t>(byte));
      if (step.kind == Kind::kRefused) continue;
      ASSERT_EQ(step.kind, Kind::kTo);
      before[step.state].push_back(open.front());
      if (seen.insert(step.state).second) open.push(step.state);
    }
  }
  std::set<Automaton::State> can_end;
  for (const Automaton::State state : seen) {
    if (automaton.is_end(state) && can_end.insert(state).second) open.push(state);
  }
  for (; !open.empty(); open.pop()) {
    for (const Automaton::State state : before[open.front()]) {
      if (can_end.insert(state).second) open.push(state);
    }
  }
  EXPECT_EQ(can_end, seen);
}

TEST(Automaton, MatchesAsStdRegexDoes) {
  const std::vector<std::string> texts = texts_up_to(7, "ab0");
  for (const char* pattern : {"",
                              "a",
                              "a*",
                              "a+",
                              "a?",
                              "a|b",
                              "(?:a|b)*",
                              "(a|ab)(b|0)*",
                              "a{2}",
                              "a{2,}",
                              "a{0,2}b",
                              "a{2,3}b?",
                              "(ab){1,2}",
                              "(a*)*",
                              "(a*)+b",
                              "(a|)+",
                              "(|a){3}",
                              "((a?){2}b){2}",
                              "[ab]+",
                              "[^a]*",
                              "\\d+",
                              "\\D\\d",
                              "\\w*0",
                              "\\W|\\w",
                              "a.b",
                              ".*0",
                              "a*?b",
                              "a+?",
                              "(?:a{0}b)+",
                              "a|b|0",
                              "(a|b)*a(a|b){2}",
                              "()",
                              "(?:){3}a",
                              "(a+)+",
                              "[b0]{2,4}",
                              "a{0}",
                              "[a-b0-9]{3}"}) {
    expect_as_std_regex(pattern, texts);
    expect_no_dead_end(pattern);
  }
}

std::string random_pattern(std::mt19937& random, int depth) {
  static constexpr const char* kAtoms[] = {"a", "b", "[ab]", "[^a]", ".", "\\w", "", "ab"};
  if (depth == 0) return kAtoms[random() % 8];
  const std::string first = random_pattern(random, depth - 1);
  switch (random() % 5) {
    case 0:
      return first + "|" + random_pattern(random, depth - 1);
    case 1:
    case 2:
      return "(?:" + first + ")(?:" + random_pattern(random, depth - 1) + ")";
    default: {
      static constexpr const char* kTimes[] = {"?", "*", "+", "{2}", "{1,2}", "{0,3}", "{2,}"};
      return "(?:" + first + ")" + kTimes[random() % 7];
    }
  }
}

TEST(Automaton, MatchesRandomPatternsAsStdRegexDoes) {
  const std::vector<std::string> texts = texts_up_to(6, "ab");
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const std::string pattern = random_pattern(random, 1 + i % 3);
    expect_as_std_regex(pattern, texts);
    expect_no_dead_end(pattern);
  }
}

// What may follow is the same behind "a" and behind " ", whatever way it was come to.
TEST(Automaton, HasOneStateForTheSameRest) {
  for (const char* pattern : {"(?:[a-z]| )*", "(?:[a-z](?:|)| )*"}) {
    Automaton automaton({parse_regex(pattern)});
    const auto a = automaton.step(automaton.start(), 'a');
    const auto space = automaton.step(automaton.start(), ' ');
    EXPECT_EQ(a.state, space.state) << pattern;
    EXPECT_EQ(a.state, automaton.start()) << pattern;
  }
}

std::string utf8_of(char32_t c) {
  std::string text;
  if (c < 0x80) return {static_cast<char>(c)};
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  const char32_t lead[] = {0, 0xC0, 0xE0, 0xF0};
  text += static_cast<char>(lead[more] | (c >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | ((c >> (6 * i)) & 0x3F));
  return text;
}

bool matches(const std::vector<ByteSequence>& sequences, const std::string& text) {
  for (const ByteSequence& sequence : sequences) {
    bool fits = sequence.size == text.size();
    for (std::size_t i = 0; fits && i < text.size(); ++i) {
      const auto byte = static_cast<std::uint8_t>(text[i]);
      fits = byte >= sequence.bytes[i].first && byte <= sequence.bytes[i].last;
    }
    if (fits) return true;
  }
  return false;
}

TEST(Utf8Ranges, HaveTheCharactersOfTheRange) {
  const std::vector<char32_t> edges = {
      0,       1,       0x7E,    0x7F,    0x80,    0x81,     0xBF,     0xC0,    0x7FF,  0x800,
      0x801,   0xFFF,   0x1000,  0x1040,  0xCFFF,  0xD7FF,   0xE000,   0xFFFE,  0xFFFF, 0x10000,
      0x10001, 0x1F600, 0x3FFFF, 0x40000, 0xFFFFF, 0x100000, 0x10FFFE, 0x10FFFF};
  for (const char32_t first : edges) {
    for (const char32_t last : edges) {
      for (const CharacterRange& range : character_set({{first, last}})) {
        const auto sequences = utf8_ranges(range);
        for (const char32_t c : edges) {
          EXPECT_EQ(matches(sequences, utf8_of(c)), c >= range.first && c <= range.last)
              << static_cast<unsigned>(c) << " in " << static_cast<unsigned>(first) << " to "
              << static_cast<unsigned>(last);
        }
      }
    }
  }
}

// Every character, and nothing that is none.
TEST(Utf8Ranges, DotIsUtf8) {
  Automaton automaton({parse_regex(".")});
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const bool is_matched = read(automaton, utf8_of(c)) == Outcome::kMatch;
    ASSERT_EQ(is_matched, c != '\n' && (c < 0xD800 || c > 0xDFFF)) << static_cast<unsigned>(c);
  }
  const auto expect_as_defined = [&](const std::string& text) {
    const bool is_one = utf8_sequence_length(text) == text.size() && text != "\n";
    ASSERT_EQ(read(automaton, text) == Outcome::kMatch, is_one) << text;
  };
  for (int a = 0; a < 256; ++a) {
    expect_as_defined({static_cast<char>(a)});
    for (int b = 0; b < 256; ++b) {
      expect_as_defined({static_cast<char>(a), static_cast<char>(b)});
      for (int c = 0x70; a >= 0xC0 && c < 0xD0; ++c) {
        expect_as_defined({static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)});
      }
    }
  }
}

TEST(Automaton, ClassesGoByCodePoints) {
  const auto is_match = [](const char* pattern, const std::string& text) {
    Automaton automaton({parse_regex(pattern)});
    return read(automaton, text) == Outcome::kMatch;
  };
  EXPECT_TRUE(is_match("[α-ω]+", "λόγος") == false) << "ό is beyond ω";
  EXPECT_TRUE(is_match("[α-ωό]+", "λόγος"));
  EXPECT_TRUE(is_match("\\u{1F600}|\\xE9", "é"));
  EXPECT_TRUE(is_match("\\u{1F600}|\\xE9", "😀"));
  EXPECT_TRUE(is_match("\\u00e9{2}", "éé"));
  EXPECT_TRUE(is_match("[^a]", "😀"));
  EXPECT_FALSE(is_match("[^a]", "\xC3"));
  EXPECT_TRUE(is_match("\\D\\S\\W", "éé "));
  EXPECT_FALSE(is_match("\\w", "é"));
  EXPECT_TRUE(is_match("\\s*", " \t\n\v\f\r"));
  EXPECT_TRUE(is_match("\\0\\n\\r\\t\\f\\v", std::string("\0\n\r\t\f\v", 6)));
  EXPECT_TRUE(is_match("{a}]", "{a}]"));
}

TEST(Automaton, RefusesWhatIsTooLarge) {
  expect_error(ErrorKind::kUsage,
               {"constraint", "50000 states", "repetitions and optional parts multiply"},
               [] { Automaton({parse_regex("(a{1000}){1000}")}); });
  expect_error(ErrorKind::kUsage, {"50000 states"},
               [] { Automaton({parse_regex("(((a{100000}){100000}){100000}){100000}")}); });
  EXPECT_NO_THROW(Automaton({parse_regex("((((){100000}){100000}){100000}a){2}")}));
  EXPECT_NO_THROW(Automaton({parse_regex(".{2000}")}));
  EXPECT_NO_THROW(Automaton({parse_regex("((((a+)+)+)+)+")}));
}

// 2^13 sets of places in the expression.
TEST(Automaton, SaysWhenItHasGrownTooLarge) {
  Automaton automaton({parse_regex("(a|b)*a(a|b){12}")},
                      {.max_states = 1000, .max_bytes = 1 << 30});
  std::mt19937 random(3);
  const auto grow = [&] {
    Automaton::State state = automaton.start();
    for (int i = 0; i < 100'000; ++i) state = automaton.step(state, random() % 2 ? 'a' : 'b').state;
  };
  expect_error(ErrorKind::kUsage, {"at most 1000 states", "open at once"}, grow);
  EXPECT_EQ(automaton.state_count(), 1000U);
  EXPECT_EQ(automaton.step(automaton.start(), 'b').kind, Kind::kTo) << "what is known stays";
}

}  // namespace
}  // namespace xlstm::grammar
