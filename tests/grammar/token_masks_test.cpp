// The walk along the trie against each token matched by itself.
#include "xlstm/grammar/token_masks.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/grammar/vocabularies.h"
#include "xlstm/grammar/json_grammar.h"
#include "xlstm/grammar/regex_parser.h"

namespace xlstm::grammar {
namespace {

TokenMask slow_mask(TokenMasks& masks, const Place& place, bool is_first_token) {
  TokenMask mask(masks.V());
  for (TokenId id = 0; id < masks.V(); ++id) {
    Place next = place;
    const std::string_view text = masks.text(id, is_first_token);
    if (!text.empty() && masks.advance(next, text)) mask.set(id);
  }
  return mask;
}

// Random answers of up to `length` tokens; the mask at each place of them. Returns the places.
int expect_same_masks(TokenMasks& masks, int walks, int length, unsigned seed) {
  std::mt19937 random(seed);
  int places = 0;
  TokenMask mask(masks.V());
  for (int i = 0; i < walks; ++i) {
    Place place = masks.start();
    for (int at = 0; at < length; ++at) {
      ++places;
      masks.allow(place, at == 0, mask);
      EXPECT_EQ(mask, slow_mask(masks, place, at == 0)) << "walk " << i << ", token " << at;
      const auto ids = test::ids_in(mask);
      if (ids.empty()) break;
      EXPECT_TRUE(masks.advance(place, masks.text(ids[random() % ids.size()], at == 0)));
    }
  }
  return places;
}

// All texts of one to three of these bytes, which open and close a lot.
std::shared_ptr<const TokenTries> short_tries(std::string_view alphabet, std::size_t size) {
  std::vector<std::string> texts = {""};
  for (std::size_t i = 0; i < texts.size() && texts[i].size() < size; ++i) {
    for (const char c : alphabet) texts.push_back(texts[i] + c);
  }
  return test::tries_of(texts);
}

TEST(TokenMasks, AreThoseOfEachTokenByItself) {
  for (const char* pattern :
       {"", "a*", "(?:[a-z]| )*", "\\d{4}-\\d{2}-\\d{2}", ".*", "[^a]{1,9}é?"}) {
    SCOPED_TRACE(pattern);
    const auto tries = TokenTries::of(Tokenizer::open(test::classics_folder()), 4096);
    TokenMasks masks({parse_regex(pattern)}, tries, {});
    EXPECT_GT(expect_same_masks(masks, 3, 8, 1), 0);
  }
}

TEST(TokenMasks, KnowWhichRulesAreOpen) {
  for (const std::size_t depth : {1, 2, 3, 5, 64}) {
    SCOPED_TRACE(depth);
    TokenMasks masks(json_grammar(false), short_tries("[]{}\":,1", 4), {.max_depth = depth});
    EXPECT_GT(expect_same_masks(masks, 60, 15, 2), 100);
  }
}

TEST(TokenMasks, KnowJsonOfARealVocabulary) {
  const auto tries = TokenTries::of(Tokenizer::open(test::classics_folder()), 4096);
  for (const std::size_t depth : {2, 64}) {
    TokenMasks masks(json_grammar(true), tries, {.max_depth = depth});
    EXPECT_GT(expect_same_masks(masks, 10, 40, 3), 100);
  }
}

// A first token that adds less than a later one.
TEST(TokenMasks, TellTheFirstTokenApart) {
  const std::vector<std::string> later = {" a", "a", " "}, first = {"a", "a", ""};
  const auto tries = std::make_shared<const TokenTries>(
      TokenTries{3, TokenTrie(later), std::optional<TokenTrie>(first)});
  TokenMasks masks({parse_regex("a+")}, tries, {});
  TokenMask mask(3);
  for (int again = 0; again < 2; ++again) {
    masks.allow(masks.start(), true, mask);
    EXPECT_EQ(test::ids_in(mask), (std::vector<TokenId>{0, 1}));
    masks.allow(masks.start(), false, mask);
    EXPECT_EQ(test::ids_in(mask), (std::vector<TokenId>{1}));
  }
}

// So few bytes of masks that each call throws the last one's away.
TEST(TokenMasks, StayRightWhereNothingIsKept) {
  TokenMasks masks(json_grammar(false), short_tries("[]{}\":,1", 3),
                   {.max_depth = 4, .max_bytes = 400});
  EXPECT_GT(expect_same_masks(masks, 40, 15, 4), 100);
}

TEST(TokenMasks, ServeSeveralThreads) {
  TokenMasks masks(json_grammar(false), short_tries("[]{}\":,1", 3), {.max_depth = 3});
  std::vector<std::thread> threads;
  std::vector<int> places(3);
  for (unsigned i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] { places[i] = expect_same_masks(masks, 20, 15, 10 + i); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : places) EXPECT_GT(count, 50);
}

}  // namespace
}  // namespace xlstm::grammar
