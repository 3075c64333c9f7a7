#include "xlstm/generate/stop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

// Letters are tokens 0 to 2; <x> and <xy> are hidden, 3 and 4.
const Tokenizer& tokenizer() {
  static const Tokenizer parsed =
      Tokenizer::parse(R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"<":2},"merges":[]}})",
                       R"({"extra_special_tokens":["<x>","<xy>"]})", "test");
  return parsed;
}

struct Outcome {
  std::string shown, matched;
  bool stopped = false;
  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  return out << "shown \"" << o.shown << "\", "
             << (o.stopped ? "met \"" + o.matched + "\"" : "not met");
}

// The definition: the match whose end comes first, of those the longest; all before it is shown.
Outcome naive(const std::string& text, const std::vector<std::string>& stops) {
  for (std::size_t end = 0; end <= text.size(); ++end) {
    std::string best;
    for (const std::string& stop : stops) {
      const bool ends_here =
          stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0;
      if (ends_here && stop.size() > best.size()) best = stop;
    }
    if (!best.empty()) return {text.substr(0, end - best.size()), best, true};
  }
  return {text, "", false};
}

// `cuts` has a bit for each border between bytes at which the text is cut.
Outcome scan(const std::string& text, const std::vector<std::string>& stops, unsigned cuts) {
  StopScanner scanner(stops);
  Outcome outcome;
  std::string piece;
  for (std::size_t i = 0; i < text.size(); ++i) {
    piece += text[i];
    if (((cuts >> i) & 1U) != 0 || i + 1 == text.size()) {
      outcome.shown += scanner.push(piece);
      piece.clear();
    }
  }
  outcome.shown += scanner.finish();
  outcome.stopped = scanner.stopped();
  outcome.matched = scanner.matched();
  return outcome;
}

std::string random_text(std::mt19937& random, std::size_t length, int letters) {
  std::string text;
  while (text.size() < length)
    text += static_cast<char>('a' + random() % static_cast<unsigned>(letters));
  return text;
}

TEST(Stop, AgreesWithTheDefinitionOverAllSplits) {
  std::mt19937 random(1);
  int met = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> stops;
    for (unsigned n = 1 + random() % 3; n > 0; --n)
      stops.push_back(random_text(random, 1 + random() % 5, 2));
    const std::string text = random_text(random, random() % 9, 2 + static_cast<int>(random() % 2));
    const Outcome expected = naive(text, stops);
    met += expected.stopped ? 1 : 0;
    const unsigned splits = text.empty() ? 1U : 1U << (text.size() - 1);
    for (unsigned cuts = 0; cuts < splits; ++cuts) {
      ASSERT_EQ(scan(text, stops, cuts), expected) << text << " cuts " << cuts;
    }
  }
  EXPECT_GT(met, 50);  // both outcomes were tried
  EXPECT_LT(met, 290);
}

TEST(Stop, OverlappingBeginIsFound) {
  EXPECT_EQ(scan("aaab", {"aab"}, 0b111), (Outcome{"a", "aab", true}));
  EXPECT_EQ(scan("ababac", {"abac"}, 0), (Outcome{"ab", "abac", true}));
}

TEST(Stop, ShorterStopInsideALongerOneEndsFirst) {
  EXPECT_EQ(scan("xaby", {"xaby", "ab"}, 0), (Outcome{"x", "ab", true}));
}

TEST(Stop, LongestOfThoseThatEndTogether) {
  EXPECT_EQ(scan("one END", {"END", " END", "D"}, 0), (Outcome{"one", " END", true}));
}

TEST(Stop, HeldTextIsReleasedAsSoonAsItIsNoPrefix) {
  StopScanner scanner({"abcd", "bx"});
  EXPECT_EQ(scanner.push("zab"), "z");  // "ab" may become "abcd"
  EXPECT_EQ(scanner.push("c"), "");
  EXPECT_EQ(scanner.push("b"), "abc");  // only "b" may still become "bx"
  EXPECT_EQ(scanner.push("x"), "");
  EXPECT_TRUE(scanner.stopped());
  EXPECT_EQ(scanner.matched(), "bx");
  EXPECT_EQ(scanner.push("more"), "");
  EXPECT_EQ(scanner.finish(), "");
}

TEST(Stop, WithoutStopsAllPasses) {
  StopScanner scanner({});
  EXPECT_EQ(scanner.push("anything"), "anything");
  EXPECT_EQ(scanner.finish(), "");
  EXPECT_FALSE(scanner.stopped());
}

TEST(Stop, FinishStartsAfresh) {
  StopScanner scanner({"ab"});
  EXPECT_EQ(scanner.push("a"), "");
  EXPECT_EQ(scanner.finish(), "a");
  EXPECT_EQ(scanner.push("b"), "b");  // not the end of the "a" that was let go
  EXPECT_FALSE(scanner.stopped());
}

TEST(Stop, ShowsWholeCharactersOnly) {
  StopScanner scanner({"\u00e9!"});  // shares its first byte with U+00E8
  EXPECT_EQ(scanner.push("\u00e8"), "\u00e8");
  EXPECT_EQ(scanner.push("\u00e9"), "");
  EXPECT_EQ(scanner.push("\u00e8"), "\u00e9\u00e8");
}

TEST(Stop, LongRepetitiveStopIsLinear) {
  // 1 MB of one letter against a stop of 100,000 of them that never completes: with a restart at
  // each letter this would be 10^11 comparisons.
  const std::string stop = std::string(100'000, 'a') + "b";
  StopScanner scanner({stop});
  std::string shown;
  for (int i = 0; i < 100; ++i) shown += scanner.push(std::string(10'000, 'a'));
  EXPECT_EQ(shown.size(), 900'000U);
  EXPECT_EQ(scanner.push("b"), "");
  EXPECT_TRUE(scanner.stopped());
}

// What comes: a letter, or a hidden token as its id.
struct Event {
  char letter;
  TokenId hidden;
};

// A stop or a stream as symbols: "<x>" is X, "<xy>" is Y.
std::string with_tokens_as_letters(std::string text) {
  for (const auto& [token, letter] : {std::pair{"<x>", "X"}, std::pair{"<xy>", "Y"}}) {
    for (auto at = text.find(token); at != std::string::npos; at = text.find(token)) {
      text.replace(at, std::string_view(token).size(), letter);
    }
  }
  return text;
}

// The definition: the first event after which the shown text ends with a stop, or the stream with
// one that names tokens; of several, that with most shown text.
Outcome naive(const std::vector<Event>& events, const std::vector<std::string>& stops) {
  std::string text, stream;
  for (const Event& event : events) {
    stream += event.hidden == 3 ? 'X' : event.hidden == 4 ? 'Y' : event.letter;
    if (event.hidden == 0) text += event.letter;
    std::optional<std::size_t> most;
    for (const std::string& stop : stops) {
      const std::string symbols = with_tokens_as_letters(stop);
      const auto bytes = static_cast<std::size_t>(
          std::ranges::count_if(symbols, [](char c) { return c != 'X' && c != 'Y'; }));
      if (event.hidden == 0 && text.ends_with(stop)) most = std::max(most.value_or(0), stop.size());
      if (symbols != stop && stream.ends_with(symbols)) most = std::max(most.value_or(0), bytes);
    }
    if (most) return {text.substr(0, text.size() - *most), "", true};
  }
  return {text, "", false};
}

TEST(Stop, SpecialTokensAreTheDefinition) {
  std::mt19937 random(17);
  const auto below = [&](unsigned end) { return random() % end; };
  constexpr std::string_view kLetters = "ab<x>";
  const char* const pieces[] = {"a", "b", "<x>", "<xy>", "ab", "<"};
  int stopped = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> stops(1 + below(3));
    for (std::string& stop : stops) {
      for (unsigned i = 0; i < 1 + below(4); ++i) stop += pieces[below(6)];
      if (stop.empty()) stop = "<x>";
    }
    std::vector<Event> events(below(14));
    for (Event& event : events) {
      const bool hides = below(3) == 0;
      event = {kLetters[below(5)], hides ? static_cast<TokenId>(3 + below(2)) : 0};
    }
    StopScanner scanner(stops, tokenizer());
    std::string shown;
    for (const Event& event : events) {
      shown += event.hidden != 0 ? scanner.push_hidden(event.hidden)
                                 : scanner.push(std::string_view(&event.letter, 1));
    }
    if (!scanner.stopped()) shown += scanner.finish();
    const Outcome wanted = naive(events, stops);
    EXPECT_EQ((Outcome{shown, "", scanner.stopped()}), wanted);
    stopped += wanted.stopped ? 1 : 0;
    if (HasFailure()) break;
  }
  EXPECT_GT(stopped, 5000);
}

TEST(Stop, TextWaitsForASpecialTokenWhileItMayCome) {
  StopScanner scanner({"a<x>b"}, tokenizer());
  EXPECT_EQ(scanner.push("a"), "");
  EXPECT_EQ(scanner.push_hidden(4), "");  // <xy>; the rest may still be spelled out
  EXPECT_EQ(scanner.push("a"), "a");
  EXPECT_EQ(scanner.push_hidden(3), "");
  EXPECT_EQ(scanner.push("a"), "a");
  EXPECT_EQ(scanner.push_hidden(3), "");
  EXPECT_EQ(scanner.push("b"), "");
  EXPECT_TRUE(scanner.stopped());
  EXPECT_EQ(scanner.matched(), "a<x>b");
}

TEST(Stop, SpecialTokensSpelledOutAreMetToo) {
  StopScanner scanner({"<x>"}, tokenizer());
  EXPECT_EQ(scanner.push("a<x"), "a");
  EXPECT_EQ(scanner.push(">"), "");
  EXPECT_TRUE(scanner.stopped());
}

TEST(Stop, AStopWithinAHiddenTokenSTextIsNotMetByIt) {
  StopScanner scanner({"x"}, tokenizer());
  EXPECT_FALSE(scanner.names_hidden());
  EXPECT_EQ(scanner.push_hidden(3), "");
  EXPECT_FALSE(scanner.stopped());
}

TEST(Stop, RefusesEmptyAndMalformedStops) {
  EXPECT_THROW(StopScanner({"a", ""}), Error);
  EXPECT_THROW(StopScanner({"\xff"}), Error);
}

}  // namespace
}  // namespace xlstm
