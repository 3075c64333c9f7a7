#include "xlstm/text/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/text/case_file.h"
#include "tests/text/random_text.h"
#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/text/unicode_normal.h"

namespace xlstm {
namespace {

using Ids = std::vector<TokenId>;

const Tokenizer& classics() {
  static const Tokenizer tokenizer =
      Tokenizer::open(std::string(XLSTM_SOURCE_DIR) + "/models/classics-8m");
  return tokenizer;
}

std::string book(const std::string& name) {
  std::ifstream file(std::string(XLSTM_TEST_DATA) + "/books/" + name + ".txt", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string nfc(std::string text) {
  text::normalize(text, text::NormalForm::kNfc);
  return text;
}

TEST(Tokenizer, DecodingGivesTheNormalisedText) {
  RandomText random(6);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random.text(random.below(60));
    ASSERT_EQ(classics().decode(classics().encode(text), false), nfc(text)) << quoted(text);
  }
}

TEST(Tokenizer, DecodingGivesTheTextItselfWithoutNormalizer) {
  const Tokenizer tokenizer = tokenizer_of("llama3");
  RandomText random(7);
  for (int round = 0; round < 1000; ++round) {
    const std::string text = random.text(random.below(60));
    ASSERT_EQ(tokenizer.decode(tokenizer.encode(text), false), text) << quoted(text);
  }
}

TEST(Tokenizer, BooksComeBack) {
  for (const char* name : {"alice", "time-machine", "wizard-of-oz"}) {
    const std::string text = book(name);
    ASSERT_GT(text.size(), 100000U);
    const Ids ids = classics().encode(text);
    EXPECT_LT(ids.size(), text.size() / 2);
    EXPECT_EQ(classics().decode(ids), nfc(text));
  }
}

// What a piece becomes does not depend on what was encoded before it.
TEST(Tokenizer, RemembersNothingBetweenCalls) {
  const std::string text = book("alice");
  const Ids whole = classics().encode(text);
  Ids joined;
  for (std::size_t begin = 0; begin < text.size();) {
    // Pieces begin at a single space before a letter.
    std::size_t end = std::min(text.size(), begin + 4000);
    while (end < text.size() && !(text[end] == ' ' && std::isalpha(text[end - 1]) != 0 &&
                                  std::isalpha(text[end + 1]) != 0)) {
      ++end;
    }
    const Ids part = classics().encode(text.substr(begin, end - begin));
    joined.insert(joined.end(), part.begin(), part.end());
    begin = end;
  }
  EXPECT_EQ(joined, whole);
}

struct Stopped {};

// Of every kind of work that a long text makes: normalisers, pieces, one piece that is merged.
TEST(Tokenizer, EncodingTellsHowFarItIsAndCanBeStopped) {
  const std::string letters =
      R"("model":{"type":"BPE","vocab":{"a":0,"aa":1,"b":2},"merges":["a a"]})";
  const auto normalizing = [&](const std::string& kind) {
    return Tokenizer::parse(R"({"normalizer":{)" + kind + "}," + letters + "}", "", "test");
  };
  const std::string text = book("alice");
  std::string accents;
  while (accents.size() < text.size()) accents += "e\u0301";
  struct Case {
    Tokenizer tokenizer;
    std::string text;
  };
  for (const auto& [tokenizer, whole] :
       {Case{classics(), text}, Case{classics(), std::string(text.size(), 'a')},
        Case{classics(), accents}, Case{tokenizer_of("llama2"), text},
        Case{tokenizer_of("llama3"), text},
        Case{normalizing(R"("type":"Lowercase")"), std::string(text.size(), 'A')},
        Case{normalizing(R"("type":"Replace","pattern":{"String":"A"},"content":"")"),
             std::string(text.size(), 'A')}}) {
    std::vector<double> told;
    const auto tell = [&](double share) { told.push_back(share); };
    EXPECT_EQ(tokenizer.encode(whole, {.on_progress = tell}), tokenizer.encode(whole));
    EXPECT_GE(told.size(), 2U);
    EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
    EXPECT_GE(told.front(), 0.0);
    EXPECT_LE(told.back(), 1.0);
    std::size_t calls = 0;
    const auto stop = [&](double) {
      if (++calls == 2) throw Stopped();
    };
    EXPECT_THROW(tokenizer.encode(whole, {.on_progress = stop}), Stopped);
    EXPECT_EQ(calls, 2U);
  }
}

TEST(Tokenizer, LongRunsAreCutAsShortOnesAre) {
  const Tokenizer tokenizer = Tokenizer::parse(
      R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"Fuse"},)"
      R"("model":{"type":"BPE","vocab":{"a":0,"aa":1,"aaaa":2,"b":3},"merges":["a a","aa aa"]}})",
      "", "test");
  constexpr std::size_t kLength = (1 << 20) + 3;
  const Ids ids = tokenizer.encode(std::string(kLength, 'a') + "b");
  Ids expected(kLength / 4, 2);
  expected.insert(expected.end(), {1, 0, 3});
  EXPECT_EQ(ids, expected);
}

TEST(Tokenizer, TextThatIsNotUtf8) {
  for (const auto& [text, offset] : {std::pair<std::string, std::string>{"ab\xFF", "offset 2"},
                                     {"\xC3", "offset 0"},
                                     {"a\xED\xA0\x80", "offset 1"},
                                     {"abc\xF0\x9F\x98", "offset 3"}}) {
    try {
      classics().encode(text);
      ADD_FAILURE() << quoted(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kUsage);
      EXPECT_NE(std::string(error.what()).find(offset), std::string::npos) << error.what();
    }
  }
}

TEST(Tokenizer, ZeroBytesAreText) {
  const std::string text("a\0b\0", 4);
  EXPECT_EQ(classics().decode(classics().encode(text)), text);
}

TEST(Tokenizer, KnowsItsTokens) {
  const Tokenizer& tokenizer = classics();
  EXPECT_EQ(tokenizer.bos_id(), 0);
  EXPECT_EQ(tokenizer.eos_id(), 0);
  EXPECT_EQ(tokenizer.pad_id(), 1);
  EXPECT_TRUE(tokenizer.is_special(0));
  EXPECT_FALSE(tokenizer.is_special(2));
  EXPECT_EQ(tokenizer.token_to_id("<|endoftext|>"), 0);
  EXPECT_EQ(tokenizer.token_to_id("!"), 2);
  EXPECT_EQ(tokenizer.token_to_id("no such token"), std::nullopt);
  for (TokenId id = 0; id <= tokenizer.max_id(); ++id) EXPECT_TRUE(tokenizer.has_token(id)) << id;
  for (const TokenId id : {-1, -2147483647 - 1, tokenizer.max_id() + 1, 2147483647}) {
    EXPECT_FALSE(tokenizer.has_token(id)) << id;
    EXPECT_FALSE(tokenizer.is_special(id));
    EXPECT_EQ(tokenizer.token_bytes(id), "");
  }
}

TEST(Tokenizer, IdsWithHoles) {
  const Tokenizer tokenizer = Tokenizer::parse(
      R"({"model":{"type":"BPE","vocab":{"a":5,"b":2147483646},"merges":[]}})", "", "test");
  EXPECT_EQ(tokenizer.max_id(), 2147483646);
  EXPECT_TRUE(tokenizer.has_token(5));
  EXPECT_FALSE(tokenizer.has_token(0));
  EXPECT_FALSE(tokenizer.has_token(1));
  EXPECT_EQ(tokenizer.encode("ba"), (Ids{2147483646, 5}));
  EXPECT_EQ(tokenizer.decode(Ids{5, 0, 1, -1, 2147483647, 5}), "a a");
}

// The bytes of a text's tokens are the text.
TEST(Tokenizer, BytesOfTokens) {
  for (const char* name : {"classics", "llama3"}) {
    const Tokenizer tokenizer = tokenizer_of(name);
    const std::string text = nfc("It's 12 \u00E9t\u00E9s \U0001F468\u200D\U0001F469!\n\n  x");
    std::string bytes;
    for (const TokenId id : tokenizer.encode(text)) bytes += tokenizer.token_bytes(id);
    EXPECT_EQ(bytes, text) << name;
  }
  const Tokenizer llama2 = tokenizer_of("llama2");
  std::string bytes;
  for (const TokenId id : llama2.encode("the \U0001F9FF <s>the")) bytes += llama2.token_bytes(id);
  EXPECT_EQ(bytes, " the \U0001F9FF <s> the");  // its normalizer begins every segment with a space
}

TEST(Tokenizer, SpecialTokensInText) {
  const Ids ids = classics().encode("a<|endoftext|>b");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 0), 1);
  const Ids ordinary = classics().encode("a<|endoftext|>b", {.parse_special_tokens = false});
  EXPECT_EQ(std::count(ordinary.begin(), ordinary.end(), 0), 0);
  EXPECT_EQ(classics().decode(ids), "ab");
  EXPECT_EQ(classics().decode(ids, false), "a<|endoftext|>b");
  EXPECT_EQ(classics().decode(ordinary), "a<|endoftext|>b");
}

TEST(Tokenizer, ServesSeveralThreads) {
  const std::string text = book("time-machine").substr(0, 50000);
  const Ids expected = classics().encode(text);
  std::vector<Ids> results(4);
  std::vector<std::thread> threads;
  for (Ids& result : results) {
    threads.emplace_back([&] {
      const Tokenizer copy = classics();
      for (int i = 0; i < 5; ++i) result = copy.encode(text);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Ids& result : results) EXPECT_EQ(result, expected);
}

TEST(Detokenizer, NeverShowsHalfACharacter) {
  // The emoji has no token of its own: its bytes come one or two at a time.
  const std::string text = "x\U0001F9FFy";
  Detokenizer detokenizer(classics());
  std::string shown;
  std::set<std::string> parts;
  for (const TokenId id : classics().encode(text)) {
    const std::string part = detokenizer.push(id);
    EXPECT_EQ(utf8_first_error(part), std::string::npos);
    parts.insert(part);
    shown += part;
  }
  EXPECT_TRUE(parts.contains(""));  // while it was open
  EXPECT_EQ(shown, text);
  EXPECT_EQ(detokenizer.finish(), "");
}

TEST(Detokenizer, FinishShowsWhatIsOpenAndStartsAfresh) {
  const Ids ids = classics().encode("\U0001F9FF");
  ASSERT_GT(ids.size(), 1U);
  Detokenizer detokenizer(classics());
  EXPECT_EQ(detokenizer.push(ids[0]), "");
  EXPECT_EQ(detokenizer.finish(), "\uFFFD");
  std::string shown;
  for (const TokenId id : ids) shown += detokenizer.push(id);
  EXPECT_EQ(shown, "\U0001F9FF");
}

TEST(Detokenizer, ACopyGoesOnFromTheSamePlace) {
  const Ids ids = classics().encode("\U0001F9FF");
  Detokenizer first(classics());
  first.push(ids[0]);
  Detokenizer second = first;
  std::string a, b;
  for (std::size_t i = 1; i < ids.size(); ++i) a += first.push(ids[i]);
  for (std::size_t i = 1; i < ids.size(); ++i) b += second.push(ids[i]);
  EXPECT_EQ(a, "\U0001F9FF");
  EXPECT_EQ(b, a);
}

TEST(Detokenizer, LeavesSpecialTokensOutIfToldTo) {
  const Ids ids = {*classics().token_to_id("a"), 0, *classics().token_to_id("b")};
  std::string without, with;
  Detokenizer skipping(classics()), showing(classics(), false);
  for (const TokenId id : ids) {
    without += skipping.push(id);
    with += showing.push(id);
  }
  EXPECT_EQ(without, "ab");
  EXPECT_EQ(with, "a<|endoftext|>b");
}

// Ids in any order, also such as no text has: the stream shows what decode() shows.
TEST(Detokenizer, ShowsWhatDecodeShows) {
  RandomText random(8);
  for (const char* name : {"classics", "neox", "llama2", "llama3", "gpt2"}) {
    const Tokenizer tokenizer = tokenizer_of(name);
    for (int round = 0; round < 300; ++round) {
      Ids ids(random.below(20));
      for (TokenId& id : ids) {
        id = static_cast<TokenId>(random.below(static_cast<std::uint32_t>(tokenizer.max_id()) + 3));
      }
      for (const bool skip : {false, true}) {
        Detokenizer detokenizer(tokenizer, skip);
        std::string shown;
        for (const TokenId id : ids) shown += detokenizer.push(id);
        ASSERT_EQ(shown + detokenizer.finish(), tokenizer.decode(ids, skip)) << name;
      }
    }
  }
}

}  // namespace
}  // namespace xlstm
