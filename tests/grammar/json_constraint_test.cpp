// Answers that are JSON, against nlohmann-json's parser and writer.
#include "xlstm/grammar/json_constraint.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/grammar/json_answers.h"
#include "tests/grammar/vocabularies.h"
#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

using nlohmann::json;

std::unique_ptr<Constraint> any_value(std::shared_ptr<const TokenTries> tries) {
  return json_constraint({.object_only = false}, std::move(tries));
}

bool accepts(const std::string& text,
             const JsonConstraintOptions& options = {.object_only = false}) {
  const auto constraint = json_constraint(options, test::byte_tries());
  return test::reads(*constraint, text) && constraint->may_end();
}

TEST(JsonConstraint, TakesWhatRfc8259Has) {
  for (const char* text : {"{}",
                           "[]",
                           "true",
                           "false",
                           "null",
                           "0",
                           "-0",
                           "12",
                           "-1.5",
                           "1e5",
                           "1E+05",
                           "0.25e-9",
                           "\"\"",
                           "\"a\"",
                           "\"é😀\"",
                           R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00")",
                           "[1,2]",
                           "[[],{}]",
                           R"({"a":1,"a":2})",
                           "[ 1, 2 ]",
                           "[\n  1,\n  2\n]",
                           "[\r\n\t1\r\n]",
                           " {}",
                           "\n{}",
                           "{\n    \"a\": [\n        true\n    ]\n}",
                           "\"\x7F\"",
                           "1e199",
                           "99999999999999999999"}) {
    EXPECT_TRUE(accepts(text)) << text;
    EXPECT_TRUE(json::accept(text)) << text;
  }
}

TEST(JsonConstraint, RefusesAllElse) {
  for (const char* text : {"",
                           "{",
                           "[1,]",
                           "{,}",
                           "{1:2}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "[1 2]",
                           "tru",
                           "True",
                           "01",
                           "-",
                           "1.",
                           ".5",
                           "+1",
                           "1e",
                           "1e1e1",
                           "'a'",
                           "\"\n\"",
                           "\"\t\"",
                           R"("\x")",
                           R"("\u12")",
                           R"("\uD800")",
                           R"("\uDC00")",
                           R"("\uD800\u0041")",
                           "\"\xC3\"",
                           "\"\xED\xA0\x80\"",
                           "\"\xFF\"",
                           "[}",
                           "{]",
                           "[]]",
                           "{}{}",
                           "\"a",
                           "nan",
                           "[1]x"}) {
    EXPECT_FALSE(accepts(text)) << text;
    EXPECT_FALSE(json::accept(text)) << text;
  }
}

// What the RFC would allow, and we do not, so that answers end and can be read.
TEST(JsonConstraint, IsNarrowerWhereAnswersCouldGoOnForEver) {
  for (const std::string& text :
       {std::string("[  1]"), std::string("[\n\n1]"), "[\n" + std::string(33, ' ') + "1]",
        "[\n" + std::string(17, '\t') + "1]", std::string("[ \n1]"), std::string("[\t1]"),
        std::string("{} "), std::string("1e200"), std::string(21, '1'),
        "0." + std::string(21, '1')}) {
    EXPECT_FALSE(accepts(text)) << text;
    EXPECT_TRUE(json::accept(text)) << text;
  }
  EXPECT_TRUE(accepts("[\n" + std::string(32, ' ') + "1]"));
  EXPECT_TRUE(accepts("[\n" + std::string(16, '\t') + "1]"));
}

TEST(JsonConstraint, WantsAnObjectWhereToldTo) {
  EXPECT_TRUE(accepts("{\"a\":[1]}", {}));
  for (const char* text : {"[]", "1", "\"a\"", "null"}) EXPECT_FALSE(accepts(text, {})) << text;
}

TEST(JsonConstraint, HasALimitOfDepth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  for (const std::size_t depth : {1, 2, 63, 64}) {
    const JsonConstraintOptions options = {.object_only = false, .max_depth = depth};
    EXPECT_TRUE(accepts(nested(depth), options));
    EXPECT_FALSE(accepts(nested(depth + 1), options));
  }
  EXPECT_TRUE(accepts(nested(64)));
  EXPECT_FALSE(accepts(nested(65)));
  expect_error(ErrorKind::kUsage, {"json", "a depth of at least 1"},
               [] { json_constraint({.max_depth = 0}, test::byte_tries()); });
}

TEST(JsonConstraint, SaysWhereItStands) {
  const auto constraint = any_value(test::byte_tries());
  EXPECT_EQ(constraint->where(),
            "at the start: a digit, '\"', '-', '[', 'f', 'n', 't', '{', a space or a line end");
  ASSERT_TRUE(test::reads(*constraint, "[1, 2"));
  EXPECT_EQ(constraint->where(),
            "after \"[1, 2\" (5 bytes): a digit, ',', '.', 'E', ']', 'e', a space, a line end or a "
            "carriage return");
  ASSERT_TRUE(test::reads(*constraint, "]"));
  EXPECT_EQ(constraint->where(), "after \"[1, 2]\" (6 bytes): the end");
  // At the limit of depth no bracket is offered.
  const auto flat = json_constraint({.object_only = false, .max_depth = 1}, test::byte_tries());
  ASSERT_TRUE(test::reads(*flat, "[-1,"));
  EXPECT_EQ(flat->where().find("'['"), std::string::npos) << flat->where();
}

TEST(JsonConstraint, ClonesGoTheirOwnWays) {
  const auto one = any_value(test::byte_tries());
  ASSERT_TRUE(test::reads(*one, "[{\"a\":["));
  const auto other = one->clone();
  EXPECT_TRUE(test::reads(*one, "]}]"));
  EXPECT_TRUE(one->may_end());
  EXPECT_FALSE(other->may_end());
  EXPECT_TRUE(test::reads(*other, "1],\"b\":2}]"));
  EXPECT_TRUE(other->may_end());
}

TEST(JsonConstraint, RandomAnswersParse) {
  const Tokenizer tokenizer = Tokenizer::open(test::classics_folder());
  const auto tries = TokenTries::of(tokenizer, tokenizer.max_id() + 1);
  std::mt19937 random(11);
  const auto object = json_constraint({}, tries), value = any_value(tries);
  for (int i = 0; i < 300; ++i) {
    const auto constraint = (i % 2 ? object : value)->clone();
    const std::string text = test::random_json_answer(*constraint, *tries, random() % 80, random);
    EXPECT_TRUE(json::accept(text)) << text;
    if (i % 2) {
      EXPECT_TRUE(json::parse(text, nullptr, false).is_object()) << text;
    }
  }
}

json random_json(std::mt19937& random, int depth) {
  const auto text = [&] {
    static constexpr const char* kParts[] = {"the ", "whale", "é", "😀", "\"", "\\", "\n", "\x01",
                                             "}",    "]",     ",", ":", " ",  "1",  "/"};
    std::string out;
    for (unsigned i = random() % 6; i > 0; --i) out += kParts[random() % 15];
    return out;
  };
  switch (random() % (depth > 0 ? 9 : 6)) {
    case 0:
      return nullptr;
    case 1:
      return random() % 2 == 0;
    case 2:
      return static_cast<std::int64_t>(random()) * (random() % 2 ? 1 : -2'000'000'000);
    case 3:
      return static_cast<double>(random()) / 1e14;
    case 4:
    case 5:
      return text();
    case 6: {
      json array = json::array();
      for (unsigned i = random() % 4; i > 0; --i) array.push_back(random_json(random, depth - 1));
      return array;
    }
    default: {
      json object = json::object();
      for (unsigned i = random() % 4; i > 0; --i) object[text()] = random_json(random, depth - 1);
      return object;
    }
  }
}

// As the tokenizer would write them, compact and indented, with and without escapes.
TEST(JsonConstraint, AllowsEveryTokenOfDocuments) {
  const Tokenizer tokenizer = Tokenizer::open(test::classics_folder());
  const auto tries = TokenTries::of(tokenizer, tokenizer.max_id() + 1);
  TokenMask mask(tries->V);
  std::mt19937 random(13);
  const auto start = any_value(tries);
  for (int i = 0; i < 200; ++i) {
    const json document = random_json(random, 4);
    for (const std::string& text :
         {document.dump(), document.dump(2), document.dump(-1, ' ', true)}) {
      const auto constraint = start->clone();
      for (const TokenId id : tokenizer.encode(text)) {
        constraint->allow(mask);
        ASSERT_TRUE(mask.allows(id)) << text << "\n" << constraint->where();
        constraint->accept(id);
      }
      EXPECT_TRUE(constraint->may_end()) << text;
    }
  }
}

}  // namespace
}  // namespace xlstm
