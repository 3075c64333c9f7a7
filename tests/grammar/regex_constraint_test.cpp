// Answers under a regular expression, token by token.
#include "xlstm/grammar/regex_constraint.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/grammar/vocabularies.h"
#include "tests/support/expect_error.h"
#include "xlstm/text/pattern.h"

namespace xlstm {
namespace {

TEST(RegexConstraint, FollowsTheAnswer) {
  const auto constraint =
      regex_constraint("ab|c", test::tries_of({"a", "b", "ab", "c", "", "abc"}));
  TokenMask mask(6);
  mask.set(4);  // what was there before does not count
  constraint->allow(mask);
  EXPECT_EQ(test::ids_in(mask), (std::vector<TokenId>{0, 2, 3}));
  EXPECT_FALSE(constraint->may_end());
  constraint->accept(0);
  constraint->allow(mask);
  EXPECT_EQ(test::ids_in(mask), (std::vector<TokenId>{1}));
  constraint->accept(1);
  EXPECT_TRUE(constraint->may_end());
  constraint->allow(mask);
  EXPECT_TRUE(mask.none());
}

TEST(RegexConstraint, MayEndAtOnceWhereTheEmptyTextMatches) {
  EXPECT_TRUE(regex_constraint("a*", test::byte_tries())->may_end());
  EXPECT_FALSE(regex_constraint("a+", test::byte_tries())->may_end());
}

TEST(RegexConstraint, RefusesOtherTokensAndStaysWhereItIs) {
  const auto constraint = regex_constraint("ab", test::tries_of({"a", "b", "", "abc"}));
  constraint->accept(0);
  for (const TokenId id : {0, 3}) {
    expect_error(ErrorKind::kUsage, {"[constraint] wanted after \"a\" (1 byte): 'b', got token "},
                 [&] { constraint->accept(id); });
  }
  for (const TokenId id : {2, -1, 4}) {
    expect_error(ErrorKind::kUsage, {"adds no text"}, [&] { constraint->accept(id); });
  }
  EXPECT_NO_THROW(constraint->accept(1));
}

TEST(RegexConstraint, RefusesMasksOfOtherVocabularies) {
  const auto constraint = regex_constraint("a", test::byte_tries());
  TokenMask mask(255);
  expect_error(ErrorKind::kUsage, {"wanted a mask of 256 ids, got one of 255"},
               [&] { constraint->allow(mask); });
}

// What an error says where a vocabulary has no token for what must come.
TEST(RegexConstraint, SaysWhereItStands) {
  const auto dead = regex_constraint("a(?:[0-9]|,|\\])", test::tries_of({"a", "b"}));
  EXPECT_EQ(dead->where(), "at the start: 'a'");
  dead->accept(0);
  TokenMask mask(2);
  dead->allow(mask);
  EXPECT_TRUE(mask.none());
  EXPECT_FALSE(dead->may_end());
  EXPECT_EQ(dead->where(), "after \"a\" (1 byte): a digit, ',' or ']'");

  const auto constraint = regex_constraint("[x\\n]*é*", test::byte_tries());
  ASSERT_TRUE(test::reads(*constraint, std::string(100, 'x') + "\n\xC3"));
  EXPECT_EQ(constraint->where(), "after ...\"" + std::string(38, 'x') +
                                     "\\x0a\\xc3\" (102 bytes): the rest of a character");
}

TEST(RegexConstraint, ClonesGoTheirOwnWays) {
  const auto one = regex_constraint("(?:ab|cd)*", test::byte_tries());
  ASSERT_TRUE(test::reads(*one, "ab"));
  const auto other = one->clone();
  ASSERT_TRUE(test::reads(*one, "c"));
  ASSERT_TRUE(test::reads(*other, "a"));
  TokenMask mask(256);
  one->allow(mask);
  EXPECT_EQ(test::ids_in(mask), (std::vector<TokenId>{'d'}));
  other->allow(mask);
  EXPECT_EQ(test::ids_in(mask), (std::vector<TokenId>{'b'}));
  EXPECT_EQ(one->where(), "after \"abc\" (3 bytes): 'd'");
  EXPECT_EQ(other->where(), "after \"aba\" (3 bytes): 'b'");
}

// SentencePiece's " a" adds "a" where the answer begins, and " a" later.
TEST(RegexConstraint, KnowsWhetherATokenIsTheFirst) {
  const std::vector<std::string> later = {" a", "a", " "}, first = {"a", "a", ""};
  const auto constraint =
      regex_constraint("a(?: a)*", std::make_shared<const TokenTries>(TokenTries{
                                       3, TokenTrie(later), std::optional<TokenTrie>(first)}));
  TokenMask mask(3);
  constraint->allow(mask);
  EXPECT_EQ(test::ids_in(mask), (std::vector<TokenId>{0, 1}));
  constraint->accept(0);
  EXPECT_EQ(constraint->where(), "after \"a\" (1 byte): a space or the end");
  const auto other = constraint->clone();
  for (Constraint* each : {constraint.get(), other.get()}) {
    each->allow(mask);
    EXPECT_EQ(test::ids_in(mask), (std::vector<TokenId>{0, 2}));
    each->accept(0);
    EXPECT_EQ(each->where(), "after \"a a\" (3 bytes): a space or the end");
  }
}

// Whatever is chosen, there is always a next token or an end, and the text matches. PCRE2 is the
// judge: std::regex_match calls itself once a character, and a word of thousands overflows the
// stack of a build that is not optimised.
TEST(RegexConstraint, RandomAnswersMatch) {
  const Tokenizer tokenizer = Tokenizer::open(test::classics_folder());
  const auto tries = TokenTries::of(tokenizer, tokenizer.max_id() + 1);
  std::mt19937 random(5);
  TokenMask mask(tries->V);
  for (const std::string pattern : {"[a-z ]{0,40}", "\\d{4}-\\d{2}-\\d{2}", "(?:yes|no|may be)",
                                    "[A-Z][a-z]+(?: [a-z]+){0,5}\\.", "(?:.|\\n){1,30}"}) {
    const text::Pattern truth("\\A(?:" + pattern + ")\\z", "test");
    for (int i = 0; i < 20; ++i) {
      const auto constraint = regex_constraint(pattern, tries);
      std::vector<TokenId> ids;
      while (!constraint->may_end() || random() % 8 != 0) {
        constraint->allow(mask);
        const auto allowed = test::ids_in(mask);
        if (allowed.empty()) {
          ASSERT_TRUE(constraint->may_end()) << constraint->where();
          break;
        }
        ids.push_back(allowed[random() % allowed.size()]);
        constraint->accept(ids.back());
      }
      const std::string text = tokenizer.decode(ids);
      if (pattern.find("\\n") != std::string::npos) {
        EXPECT_EQ(text.find("\xEF\xBF\xBD"), std::string::npos) << "half a character: " << text;
      } else {
        text::Pattern::Matcher matcher(truth);
        matcher.start(text);
        EXPECT_TRUE(matcher.next().has_value()) << pattern << ": " << text;
      }
    }
  }
}

TEST(RegexConstraint, RefusesFaultyPatterns) {
  expect_error(ErrorKind::kUsage, {"regular expression", "offset 2"},
               [] { regex_constraint("a**(", test::byte_tries()); });
  expect_error(ErrorKind::kUsage, {"50000 states"},
               [] { regex_constraint("(.{1000}){1000}", test::byte_tries()); });
}

}  // namespace
}  // namespace xlstm
