#include <nlohmann/json.hpp>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

using Tokenize = CommandLine;

TEST_F(Tokenize, ThereAndBack) {
  for (const std::string text :
       {"Call me Ishmael.", "", "\n", "  two\n\nlines \t", "caf\xC3\xA9 \xF0\x9F\x90\xB3!"}) {
    const Result ids = xlstm({"tokenize"}, {.input = text});
    EXPECT_EQ(ids.code, 0) << ids.err;
    EXPECT_EQ(std::ranges::count(ids.out, '\n'), 1);
    EXPECT_EQ(xlstm({"detokenize"}, {.input = ids.out}).out, text);
  }
}

TEST_F(Tokenize, ReadsAFileAndAnotherTokenizer) {
  const std::string path = write("a.txt", "Call me").string();
  const std::string tokenizer = (embedded_model() / "tokenizer.json").string();
  const std::string ids = xlstm({"tokenize"}, {.input = "Call me"}).out;
  EXPECT_GT(ids.size(), 3U);
  EXPECT_EQ(xlstm({"tokenize", "--file", path, "--tokenizer", tokenizer}).out, ids);
  EXPECT_EQ(xlstm({"tokenize", "--file", path, "--tokenizer", embedded_model().string()}).out, ids);
}

TEST_F(Tokenize, SpecialTokens) {
  EXPECT_EQ(xlstm({"tokenize"}, {.input = "<|endoftext|>"}).out, "0\n");
  EXPECT_EQ(xlstm({"tokenize", "--parse-special", "on"}, {.input = "<|endoftext|>"}).out, "0\n");
  const std::string spelled =
      xlstm({"tokenize", "--parse-special", "off"}, {.input = "<|endoftext|>"}).out;
  EXPECT_THAT(spelled, HasSubstr(" "));
  EXPECT_EQ(xlstm({"tokenize", "--plain"}, {.input = "<|endoftext|>"}).out, spelled);
  EXPECT_EQ(xlstm({"detokenize"}, {.input = "0"}).out, "");
  EXPECT_EQ(xlstm({"detokenize", "--keep-special"}, {.input = "0"}).out, "<|endoftext|>");
}

TEST_F(Tokenize, JsonLinesThereAndBack) {
  const std::string texts = "\"Call me Ishmael.\"\n\"\"\n\"two\\nlines \\u00e9 \\ud83d\\udc33\"\n";
  const Result ids = xlstm({"tokenize", "--jsonl"}, {.input = texts});
  EXPECT_EQ(ids.code, 0) << ids.err;
  ASSERT_EQ(std::ranges::count(ids.out, '\n'), 3);
  EXPECT_THAT(Json::parse(ids.out.substr(0, ids.out.find('\n'))),
              ::testing::SizeIs(::testing::Gt(2U)));
  const Result back = xlstm({"detokenize", "--jsonl"}, {.input = ids.out});
  EXPECT_EQ(back.out, "\"Call me Ishmael.\"\n\"\"\n\"two\\nlines \xC3\xA9 \xF0\x9F\x90\xB3\"\n");
}

TEST_F(Tokenize, BadLinesAreNamedAndWhatCameBeforeStays) {
  struct Bad {
    const char* command;
    const char* line;
  };
  for (const Bad& bad :
       {Bad{"tokenize", "{}"}, Bad{"tokenize", "\"open"}, Bad{"tokenize", "\"\\ud800\""},
        Bad{"tokenize", "\"\xff\""}, Bad{"tokenize", ""}, Bad{"tokenize", "\"a\" \"b\""},
        Bad{"detokenize", "\"a\""}, Bad{"detokenize", "[-1]"}, Bad{"detokenize", "[1.5]"},
        Bad{"detokenize", "[NaN]"}, Bad{"detokenize", "[4096]"},
        Bad{"detokenize", "[18446744073709551615]"}, Bad{"detokenize", "[1e99]"},
        Bad{"detokenize", "[[1]]"}}) {
    const std::string good = bad.command == std::string("tokenize") ? "\"a\"\n" : "[65]\n";
    const Result result = xlstm({bad.command, "--jsonl"}, {.input = good + bad.line + "\n" + good});
    EXPECT_EQ(result.code, 3) << bad.line;
    EXPECT_THAT(result.err, StartsWith("xlstm: [standard input, line 2")) << bad.line;
    EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
    EXPECT_EQ(std::ranges::count(result.out, '\n'), 1) << bad.line;
  }
}

TEST_F(Tokenize, AnErrorComesAfterTheAnswersBeforeIt) {
  const Result result = run({"/bin/sh", "-c", XLSTM_PROGRAM " detokenize --jsonl 2>&1"},
                            {.input = "[65]\n[65]\n{}\n"});
  EXPECT_EQ(std::ranges::count(result.out, '\n'), 3);
  EXPECT_GT(result.out.find("xlstm: [standard input, line 3]"), result.out.rfind('"'));
  EXPECT_THAT(result.out, StartsWith("\""));
}

TEST_F(Tokenize, BadIdsAreRefused) {
  for (const char* bad : {"1 two", "-1", "4096", "1.5", "99999999999999999999"}) {
    const Result result = xlstm({"detokenize"}, {.input = bad});
    EXPECT_EQ(result.code, 3) << bad;
    EXPECT_THAT(result.err, HasSubstr("wanted ids from 0 to 4095"));
  }
}

TEST_F(Tokenize, StreamsLineByLine) {
  Process process(command({"tokenize", "--jsonl"}), Process::Streams::kPipes);
  process.write("\"a\"\n");
  // The answer comes while the input is still open.
  EXPECT_THAT(process.read_until("\n"), StartsWith("["));
  process.close_input();
  process.read_all();
  EXPECT_EQ(process.wait(), 0);
}

}  // namespace
}  // namespace xlstm::testing
