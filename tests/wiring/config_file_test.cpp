#include "xlstm/wiring/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TokenIds tokens_in(std::string_view json) {
  return read_token_ids(parse_config(json, "config.json"));
}

TEST(TokenIds, ANumberOrAList) {
  const TokenIds numbers =
      tokens_in(R"({"bos_token_id": 7, "eos_token_id": 8, "pad_token_id": 0})");
  EXPECT_EQ(numbers.bos, 7);
  EXPECT_THAT(numbers.eos, ElementsAre(8));
  EXPECT_EQ(numbers.pad, 0);
  const TokenIds lists =
      tokens_in(R"({"bos_token_id": [3, 4], "eos_token_id": [5, 6], "pad_token_id": []})");
  EXPECT_EQ(lists.bos, 3);
  EXPECT_THAT(lists.eos, ElementsAre(5, 6));
  EXPECT_FALSE(lists.pad.has_value());
}

TEST(TokenIds, NoneAreWrittenInThreeWays) {
  const TokenIds ids = tokens_in(R"({"bos_token_id": -1, "eos_token_id": null})");
  EXPECT_FALSE(ids.bos || ids.pad);
  EXPECT_THAT(ids.eos, IsEmpty());
  EXPECT_THAT(tokens_in(R"({"eos_token_id": [-1, 2]})").eos, ElementsAre(2));
}

TEST(TokenIds, AnythingElseIsAnError) {
  const std::pair<const char*, const char*> cases[] = {
      {"\"2\"", "a string: \"2\""},
      {"2.5", "a number: 2.5"},
      {"-2", "a number: -2"},
      {"true", "a boolean: true"},
      {"9223372036854775808", "a number: 9223372036854775808"},
      {"[1, \"2\"]", "a string: \"2\""},
      {"[1, 2.0]", "a number: 2.0"},
      {"[-7]", "a number: -7"},
      {"[null]", "null"},
      {"[[1]]", "an array"},
      {"{}", "an object"}};
  for (const char* key : {"bos_token_id", "eos_token_id", "pad_token_id"}) {
    for (const auto& [value, got] : cases) {
      EXPECT_EQ(message_of(ErrorKind::kFormat,
                           [&, v = value] { tokens_in(str("{\"", key, "\": ", v, "}")); }),
                str("[config.json] wanted token ids from 0 on, or -1 for none, for \"", key,
                    "\", got ", got))
          << value;
    }
  }
}

TEST(ConfigFile, IsAnObject) {
  EXPECT_EQ(parse_config("{}", "c.json").where, "c.json");
  message_of(ErrorKind::kFormat, [] { parse_config("[]", "c.json"); });
}

}  // namespace
}  // namespace xlstm::testing
