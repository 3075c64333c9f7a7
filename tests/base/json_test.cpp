#include "xlstm/base/json.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

Json parse(std::string_view text) {
  return parse_json(text, "x.json");
}

void expect_refused(std::string_view text, const std::vector<std::string>& pieces = {}) {
  SCOPED_TRACE(quoted(text));
  std::vector<std::string> all = {"[x.json]"};
  all.insert(all.end(), pieces.begin(), pieces.end());
  expect_error(ErrorKind::kFormat, all, [&] { parse(text); });
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(ParseJson, BuildsWhatTheTextSays) {
  const std::string text = R"( {"a": [1, -2, 3.5, true, false, null, "x\u00e9\n", [], {}],
    "b": {"c": {"d": [[1], [2, [3]]]}}, "": 18446744073709551615, "e": 1e3} )";
  EXPECT_EQ(parse(text), Json::parse(text));
  EXPECT_EQ(parse("7"), Json(7));
  EXPECT_EQ(parse("\"text\""), Json("text"));
  EXPECT_EQ(parse("[]"), Json::array());
}

TEST(ParseJson, CallsAGitLfsPointerOne) {
  expect_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 17\n",
                 {"a Git LFS pointer", "git lfs pull"});
}

TEST(ParseJson, RefusesMalformedTextAndSaysWhere) {
  expect_refused("", {"line 1, column 1"});
  expect_refused("{\n  \"a\": tru\n}", {"line 2"});
  expect_refused("[1, 2\n\n 3]", {"line 3, column 2"});
  for (const char* text :
       {"{",       "[",     "\"",   "[1,]",    "{\"a\":1,}", "{a:1}",  "{'a':1}", "[1 2]",
        "{\"a\"}", "[01]",  "[+1]", "[.5]",    "[1.]",       "[1e]",   "[--1]",   "nul",
        "True",    "[] []", "{} x", "// c\n1", "/**/1",      "\"\t\"", "\"\\q\"", "\"\\u12\"",
        "]",       "}",     ",",    "[}",      "{]"}) {
    expect_refused(text);
  }
}

TEST(ParseJson, RefusesEveryBeginningOfADocument) {
  const std::string text = R"({"a":[1.5,"\ud83d\ude00",{"b":null}],"c":false})";
  EXPECT_EQ(parse(text), Json::parse(text));
  for (std::size_t length = 0; length < text.size(); ++length) {
    expect_refused(text.substr(0, length));
  }
}

TEST(ParseJson, RefusesNumbersThatAreNone) {
  for (const char* text :
       {"NaN", "[nan]", "Infinity", "[-Infinity]", "[1e999]", "[-1e999]", "[0x10]", "[1_000]"}) {
    expect_refused(text);
  }
  EXPECT_EQ(parse("[1e308]")[0].get<double>(), 1e308);
}

TEST(ParseJson, RefusesMalformedUtf8) {
  expect_refused("\"\xff\"", {"UTF-8", "line 1, column 2"});
  expect_refused("{\n\"a\": \"\xc3\"}", {"UTF-8", "line 2, column 7"});
  expect_refused("\xc0\x80", {"UTF-8"});
  expect_refused("\"\xed\xa0\x80\"", {"UTF-8"});
  expect_refused("\xc3\xa9");            // well formed, and no JSON
  expect_refused("\"\\ud800\"");         // half a surrogate pair
  expect_refused("\"\\udc00\\ud800\"");  // the halves the wrong way round
}

// The library takes a zero byte for the end of the text.
TEST(ParseJson, RefusesZeroBytes) {
  expect_refused(std::string_view("{}\0", 3), {"line 1, column 3", "zero byte"});
  expect_refused(std::string_view("{}\0 anything", 12), {"zero byte"});
  expect_refused(std::string_view("[\"a\0\"]", 6), {"zero byte"});
  EXPECT_EQ(parse(R"("\u0000")"), Json(std::string(1, '\0')));
}

TEST(ParseJson, RefusesAKeyGivenTwice) {
  expect_refused(R"({"a": 1, "a": 1})", {"\"a\"", "twice"});
  expect_refused(R"({"b": {"a": 1, "x": 2, "\u0061": 3}})", {"\"a\"", "twice"});
  expect_refused(R"([{"": 1, "": 2}])", {"twice"});
  EXPECT_EQ(parse(R"([{"a": 1}, {"a": {"a": 2}}])").size(), 2U);
}

TEST(ParseJson, RefusesNestingBeyondTheLimitHoweverDeep) {
  EXPECT_NO_THROW(parse(nested(64)));
  expect_refused(nested(65), {"64 deep"});
  expect_refused(std::string(5'000'000, '['), {"64 deep"});
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  expect_refused(objects, {"64 deep"});
  EXPECT_NO_THROW(parse_json(nested(3), "x", {.max_depth = 3}));
  expect_error(ErrorKind::kFormat, {"3 deep"},
               [] { parse_json(nested(4), "x", {.max_depth = 3}); });
}

TEST(ParseJson, RefusesMoreValuesThanTheLimit) {
  EXPECT_NO_THROW(parse_json("[1, 2, {\"a\": 3}]", "x", {.max_values = 5}));
  expect_error(ErrorKind::kFormat, {"at most 4 JSON values"},
               [] { parse_json("[1, 2, {\"a\": 3}]", "x", {.max_values = 4}); });
}

TEST(ParseJson, ShowsLittleOfALongText) {
  expect_refused("[\"" + std::string(1'000'000, 'x') + "\x01\"]", {"malformed JSON"});
  const std::string key(1'000'000, 'k');
  expect_refused("{\"" + key + "\":1,\"" + key + "\":2}", {"twice"});
}

const Json& sample() {
  static const Json json = Json::parse(R"({"int": 7, "negative": -8, "large": 9223372036854775808,
    "largest": 9223372036854775807, "real": 1.5, "text": "t", "yes": true, "none": null, "list": []})");
  return json;
}

TEST(JsonGetters, GiveMembersAndNothingForAbsentOnes) {
  EXPECT_EQ(get_int(sample(), "int", "w"), 7);
  EXPECT_EQ(get_int(sample(), "negative", "w"), -8);
  EXPECT_EQ(get_int(sample(), "largest", "w"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(get_number(sample(), "real", "w"), 1.5);
  EXPECT_EQ(get_number(sample(), "int", "w"), 7.0);
  EXPECT_EQ(get_bool(sample(), "yes", "w"), true);
  EXPECT_EQ(get_string(sample(), "text", "w"), "t");
  for (const char* key : {"none", "absent"}) {
    EXPECT_EQ(get_int(sample(), key, "w"), std::nullopt);
    EXPECT_EQ(get_number(sample(), key, "w"), std::nullopt);
    EXPECT_EQ(get_bool(sample(), key, "w"), std::nullopt);
    EXPECT_EQ(get_string(sample(), key, "w"), std::nullopt);
  }
}

TEST(JsonGetters, RefuseOtherTypes) {
  const auto refused = [](const std::vector<std::string>& pieces, const auto& get) {
    expect_error(ErrorKind::kFormat, pieces, get);
  };
  refused({"[w]", "\"real\"", "a number: 1.5"}, [] { get_int(sample(), "real", "w"); });
  refused({"\"large\"", "9223372036854775808"}, [] { get_int(sample(), "large", "w"); });
  refused({"\"text\"", "a string: \"t\""}, [] { get_int(sample(), "text", "w"); });
  refused({"\"yes\"", "a boolean"}, [] { get_number(sample(), "yes", "w"); });
  refused({"\"int\"", "true or false"}, [] { get_bool(sample(), "int", "w"); });
  refused({"\"list\"", "an array"}, [] { get_string(sample(), "list", "w"); });
  refused({"[w]", "an object", "an array"}, [] { get_int(Json::array(), "a", "w"); });
}

TEST(JsonNames, KindsAndDescriptions) {
  EXPECT_EQ(kind_of(Json(nullptr)), "null");
  EXPECT_EQ(kind_of(Json::object()), "an object");
  EXPECT_EQ(described(Json(2.5)), "a number: 2.5");
  EXPECT_EQ(described(Json(false)), "a boolean: false");
  EXPECT_EQ(described(Json("a\nb")), "a string: \"a\\x0ab\"");
  EXPECT_EQ(described(Json::parse("[1]")), "an array");
}

}  // namespace
}  // namespace xlstm
