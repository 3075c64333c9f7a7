// Tokenizer files that lie, each an error that says what was wanted and got.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {
namespace {

using testing::HasSubstr;

constexpr const char* kModel = R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})";

std::string file(const std::string& members) {
  return R"({"version":"1.0",)" + members + "}";
}
std::string with(const std::string& member) {
  return file(member + R"(,"model":)" + kModel);
}
std::string model(const std::string& members) {
  return file(R"("model":{"type":"BPE",)" + members + "}");
}
std::string vocab(const std::string& entries) {
  return model(R"("merges":[],"vocab":{)" + entries + "}");
}
std::string merges(const std::string& entries) {
  return model(R"("vocab":{"a":0,"b":1,"ab":2,"":3,"##":4},"merges":[)" + entries + "]");
}
std::string added(const std::string& id, const std::string& rest = "") {
  return with(R"("added_tokens":[{"id":)" + id +
              R"(,"content":"<x>","single_word":false,"lstrip":false,"rstrip":false,)"
              R"("normalized":false)" +
              rest + "}]");
}
std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

struct Hostile {
  const char* name;
  std::string json;
  ErrorKind kind;
  const char* message;
};

std::ostream& operator<<(std::ostream& out, const Hostile& hostile) {
  return out << hostile.name;
}

class HostileTokenizer : public testing::TestWithParam<Hostile> {};

TEST_P(HostileTokenizer, IsAClearError) {
  const Hostile& hostile = GetParam();
  try {
    Tokenizer::parse(hostile.json, "", "evil.json");
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), hostile.kind) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(hostile.message));
    EXPECT_THAT(error.what(), HasSubstr("evil.json"));
    EXPECT_LT(std::string(error.what()).size(), 600U);
    EXPECT_EQ(utf8_first_error(error.what()), std::string::npos);
  }
}

constexpr ErrorKind kFormat = ErrorKind::kFormat;
constexpr ErrorKind kUnknown = ErrorKind::kModel;

INSTANTIATE_TEST_SUITE_P(
    Shape, HostileTokenizer,
    testing::Values(
        Hostile{"empty", "", kFormat, "evil.json"}, Hostile{"array", "[]", kFormat, "an object"},
        Hostile{"truncated", with("\"normalizer\":null").substr(0, 60), kFormat, "evil.json"},
        Hostile{"deep", repeated("[", 100000), kFormat, "evil.json"},
        Hostile{"deep_sequence",
                with("\"normalizer\":" + repeated(R"({"type":"Sequence","normalizers":[)", 5000)),
                kFormat, "evil.json"},
        Hostile{"not_utf8", with("\"normalizer\":\"\xFF\""), kFormat, "evil.json"},
        Hostile{"lone_surrogate", vocab(R"("\ud800":0)"), kFormat, "evil.json"},
        Hostile{"key_twice", vocab(R"("a":0,"a":1)"), kFormat, "evil.json"},
        Hostile{"version", R"({"version":"2.0","model":{}})", kUnknown, "version"},
        Hostile{"no_model", file(R"("normalizer":null)"), kFormat, "\"model\""},
        Hostile{"model_null", file(R"("model":null)"), kFormat, "model"},
        Hostile{"model_text", file(R"("model":"BPE")"), kFormat, "model"}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Ids, HostileTokenizer,
    testing::Values(
        Hostile{"negative", vocab(R"("a":-1)"), kFormat, "-1"},
        Hostile{"beyond_int32", vocab(R"("a":2147483648)"), kFormat, "2147483648"},
        Hostile{"largest_int32", vocab(R"("a":2147483647)"), kFormat, "2147483647"},
        Hostile{"beyond_int64", vocab(R"("a":18446744073709551615)"), kFormat, "token id"},
        Hostile{"beyond_all", vocab(R"("a":1e400)"), kFormat, "evil.json"},
        Hostile{"fraction", vocab(R"("a":0.5)"), kFormat, "0.5"},
        Hostile{"text", vocab(R"("a":"0")"), kFormat, "a string"},
        Hostile{"none", vocab(""), kFormat, "at least one token"},
        Hostile{"twice", vocab(R"("a":7,"b":7)"), kFormat, "\"a\" and \"b\""},
        Hostile{"vocab_array", model(R"("vocab":[["a",0]],"merges":[])"), kFormat, "vocab"},
        Hostile{"no_vocab", model(R"("merges":[])"), kFormat, "\"vocab\""},
        Hostile{"added_negative", added("-5", R"(,"special":true)"), kFormat, "-5"},
        Hostile{"added_huge", added("4294967296", R"(,"special":true)"), kFormat, "4294967296"},
        Hostile{"added_without_flag", added("3"), kFormat, "\"special\""},
        Hostile{"added_flag_text", added("3", R"(,"special":"no")"), kFormat, "special"},
        Hostile{"added_flag_null", added("3", R"(,"special":null)"), kFormat, "special"},
        Hostile{"added_object", with(R"("added_tokens":{})"), kFormat, "added_tokens"}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Merges, HostileTokenizer,
    testing::Values(
        Hostile{"absent_left", merges(R"("c b")"), kFormat, "\"c\""},
        Hostile{"absent_result", merges(R"("b a")"), kFormat, "\"ba\""},
        Hostile{"one_part", merges(R"("ab")"), kFormat, "\"ab\""},
        Hostile{"three_parts", merges(R"("a b ab")"), kFormat, "\"a b ab\""},
        Hostile{"empty_part", merges(R"(["","a"])"), kFormat, "both add something"},
        Hostile{"pair_of_one", merges(R"(["a"])"), kFormat, "pairs"},
        Hostile{"pair_of_numbers", merges("[0,1]"), kFormat, "pairs"},
        Hostile{"mixed", merges(R"("a b",["a","b"])"), kFormat, "all merges"},
        Hostile{"number", merges("1"), kFormat, "merges"},
        Hostile{"object", model(R"("vocab":{"a":0},"merges":{})"), kFormat, "merges"},
        Hostile{"shorter_than_prefix",
                model(R"("vocab":{"a":0,"b":1},"merges":["a b"],"continuing_subword_prefix":"##")"),
                kFormat, "both add something"}),
    [](const auto& test) { return std::string(test.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Components, HostileTokenizer,
    testing::Values(
        Hostile{"normalizer", with(R"("normalizer":{"type":"Precompiled"})"), kUnknown,
                "\"Precompiled\""},
        Hostile{"normalizer_in_sequence",
                with(R"("normalizer":{"type":"Sequence","normalizers":[{"type":"Bert"}]})"),
                kUnknown, "\"Bert\""},
        Hostile{"normalizer_null_in_sequence",
                with(R"("normalizer":{"type":"Sequence","normalizers":[null]})"), kFormat, "type"},
        Hostile{"normalizer_without_type", with(R"("normalizer":{})"), kFormat, "\"type\""},
        Hostile{"normalizer_text", with(R"("normalizer":"NFC")"), kFormat, "an object"},
        Hostile{"pre_tokenizer", with(R"("pre_tokenizer":{"type":"UnicodeScripts"})"), kUnknown,
                "\"UnicodeScripts\""},
        Hostile{"post_processor", with(R"("post_processor":{"type":"Frobnicate"})"), kUnknown,
                "\"Frobnicate\""},
        Hostile{"decoder", with(R"("decoder":{"type":"CTC"})"), kUnknown, "\"CTC\""},
        Hostile{"model_kind", file(R"("model":{"type":"Unigram","vocab":[]})"), kUnknown,
                "\"Unigram\""},
        Hostile{"name_not_shown_raw", with(R"("decoder":{"type":"\u001b[2J\n"})"), kUnknown,
                "\\x1b"},
        Hostile{"dropout", model(R"("vocab":{"a":0},"merges":[],"dropout":0.1)"), kUnknown,
                "dropout"},
        Hostile{"behavior",
                with(R"("pre_tokenizer":{"type":"Split","pattern":{"String":"a"},)"
                     R"("behavior":"Shuffled","invert":false})"),
                kFormat, "\"Shuffled\""},
        Hostile{"pattern",
                with(R"("pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a"},)"
                     R"("behavior":"Isolated","invert":false})"),
                kUnknown, "\"(a\""},
        Hostile{"pattern_kind",
                with(R"("pre_tokenizer":{"type":"Split","pattern":{"Glob":"*"},)"
                     R"("behavior":"Isolated","invert":false})"),
                kFormat, "Regex"},
        Hostile{"fixed_length_of_0", with(R"("pre_tokenizer":{"type":"FixedLength","length":0})"),
                kFormat, "length"},
        Hostile{"metaspace_of_two",
                with(R"("pre_tokenizer":{"type":"Metaspace","replacement":"ab"})"), kFormat,
                "one character"},
        Hostile{"byte_levels",
                with(R"("pre_tokenizer":{"type":"Sequence","pretokenizers":[)" +
                     repeated(R"({"type":"ByteLevel","add_prefix_space":false},)", 40) +
                     R"({"type":"Whitespace"}]})"),
                kUnknown, "ByteLevel"},
        Hostile{"strip_negative",
                with(R"("decoder":{"type":"Strip","content":" ","start":-1,"stop":0})"), kFormat,
                "-1"},
        Hostile{"template_id",
                with(R"("post_processor":{"type":"BertProcessing","sep":["x",9],"cls":["a",0]})"),
                kFormat, "9"},
        Hostile{"template_token",
                with(R"("post_processor":{"type":"TemplateProcessing","special_tokens":{},)"
                     R"("single":[{"SpecialToken":{"id":"<q>","type_id":0}}],"pair":[]})"),
                kFormat, "<q>"},
        Hostile{"template_sequence",
                with(R"("post_processor":{"type":"TemplateProcessing","special_tokens":{},)"
                     R"("single":[{"Sequence":{"id":"B","type_id":0}}],"pair":[]})"),
                kFormat, "sequence B"},
        Hostile{"templates_that_double",
                with(R"("post_processor":{"type":"Sequence","processors":[)" +
                     repeated(R"({"type":"TemplateProcessing","special_tokens":{},"single":[],)"
                              R"("pair":[{"Sequence":{"id":"A","type_id":0}}]},)",
                              3) +
                     R"({"type":"ByteLevel"}]})"),
                kUnknown, "sequences"}),
    [](const auto& test) { return std::string(test.param.name); });

// Growth that only a text shows.
TEST(HostileText, ReplacementsThatGrowWithoutEnd) {
  const std::string doubling =
      R"({"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaaaaaaaaaaaaaa"})";
  const Tokenizer tokenizer =
      Tokenizer::parse(with(R"("normalizer":{"type":"Sequence","normalizers":[)" +
                            repeated(doubling + ",", 20) + doubling + "]}"),
                       "", "evil.json");
  EXPECT_EQ(tokenizer.encode("b"), std::vector<TokenId>{1});
  EXPECT_THROW(tokenizer.encode("a"), Error);
}

TEST(HostileText, DecodersThatGrowWithoutEnd) {
  const std::string doubling =
      R"({"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaaaaaaaaaaaaaa"})";
  const Tokenizer tokenizer = Tokenizer::parse(with(R"("decoder":{"type":"Sequence","decoders":[)" +
                                                    repeated(doubling + ",", 20) + doubling + "]}"),
                                               "", "evil.json");
  EXPECT_EQ(tokenizer.decode(std::vector<TokenId>{1}), "b");
  EXPECT_THROW(tokenizer.decode(std::vector<TokenId>{0}), Error);
}

TEST(HostileText, UnknownTokenThatIsMissing) {
  const Tokenizer tokenizer = Tokenizer::parse(
      model(R"("vocab":{"a":0},"merges":[],"unk_token":"<unk>")"), "", "evil.json");
  EXPECT_EQ(tokenizer.encode("aa"), (std::vector<TokenId>{0, 0}));
  try {
    tokenizer.encode("ab");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("<unk>"));
  }
}

}  // namespace
}  // namespace xlstm
