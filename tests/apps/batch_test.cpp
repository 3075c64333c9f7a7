// xlstm batch: what it answers to good lines and to bad ones.
#include <map>

#include "tests/apps/batch_command.h"

namespace xlstm::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::vector<std::string> kPrompts = {"The whale", "Once upon a time", "",
                                           "It was a dark and stormy night, and", "Call me"};

TEST_F(BatchCommand, AnswersAsGenerateDoes) {
  std::vector<Json> lines;
  for (const std::string& prompt : kPrompts) lines.emplace_back(prompt);
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"--temperature", "0", "-n", "20"},
        {"--seed", "7", "-n", "20", "--top-p", "0.9", "--presence-penalty", "0.5"}}) {
    std::map<std::size_t, std::string> wanted;
    for (std::size_t i = 0; i < kPrompts.size(); ++i) wanted[i] = alone(kPrompts[i], options);
    for (const char* rows : {"1", "3", "64"}) {
      std::vector<std::string> with_rows = options;
      with_rows.insert(with_rows.end(), {"--rows", rows});
      const auto answers = piped(lines, with_rows);
      ASSERT_EQ(answers.size(), kPrompts.size());
      for (const auto& [index, answer] : answers) EXPECT_EQ(answer["text"], wanted[index]) << rows;
    }
  }
}

TEST_F(BatchCommand, WritesTheGoldenContinuations) {
  std::vector<Json> lines;
  for (int number = 0; number < 3; ++number) {
    lines.push_back(
        {{"prompt", golden(number).prompt}, {"max_tokens", golden(number).greedy_ids.size()}});
  }
  const auto answers = piped(lines, {"--temperature", "0", "--no-bos", "--ignore-eos"});
  for (int number = 0; number < 3; ++number) {
    const Json& answer = answers.at(static_cast<std::size_t>(number));
    EXPECT_EQ(answer["text"], golden(number).greedy);
    EXPECT_EQ(answer["tokens"], golden(number).greedy_ids);
    EXPECT_EQ(answer["stop_reason"], "max_tokens");
  }
}

TEST_F(BatchCommand, CopiesIdAndMetadata) {
  const Json id = {{"nested", {1, "two", nullptr}}};
  const auto answers = piped({{{"prompt", "a"}, {"id", id}, {"metadata", {{"any", "thing"}}}},
                              {{"prompt", "a"}, {"id", nullptr}},
                              "a"},
                             {"-n", "1"});
  EXPECT_EQ(answers.at(0)["id"], id);
  EXPECT_EQ(answers.at(0)["metadata"], Json({{"any", "thing"}}));
  EXPECT_TRUE(answers.at(1).contains("id"));
  EXPECT_TRUE(answers.at(1)["id"].is_null());
  EXPECT_FALSE(answers.at(2).contains("id"));
  EXPECT_FALSE(answers.at(2).contains("metadata"));
}

TEST_F(BatchCommand, AnswersBeginWithTheIndexOfTheirLine) {
  const Result result = xlstm({"batch", "-n", "1"}, {.input = "\n\"a\"\r\n  \n{\"prompt\":\"b\"}"});
  ASSERT_EQ(result.code, 0) << result.err;
  for (const std::string& line : lines_of(result.out)) EXPECT_THAT(line, StartsWith("{\"index\":"));
  const auto answers = answers_of(result.out);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_TRUE(answers.contains(1));
  EXPECT_TRUE(answers.contains(3));
}

TEST_F(BatchCommand, ALinesOwnOptionsGoFirst) {
  const std::vector<std::string> options = {"-n", "12", "--seed", "3", "--temperature", "0.5"};
  const auto answers =
      piped({{{"prompt", "The"}, {"max_tokens", 3}},
             {{"prompt", "The"}, {"seed", 9}},
             {{"prompt", "The"}, {"seed", ~std::uint64_t{0}}},
             {{"prompt", "The"}, {"temperature", 0}},
             {{"prompt", "The"}, {"logit_bias", {{"1234", 1e6}}}, {"max_tokens", 2}},
             {{"prompt", "The"}, {"logit_bias", {{"1234", "-inf"}}}},
             {{"prompt", "The"}, {"stop", " "}},
             {{"prompt", "The"}, {"stop", {"never seen", " "}}},
             {{"prompt", "The"}, {"end_tokens", {1234}}, {"logit_bias", {{"1234", 1e6}}}},
             {{"prompt_ids", {0, 54, 70}}, {"max_tokens", 1}},
             {{"prompt", "The"}, {"add_bos", false}, {"max_tokens", 1}},
             {{"prompt", "The"}, {"top_k", 1}, {"top_p", 0.5}, {"min_p", 0.1}},
             {{"prompt", "<|padding|>"}, {"parse_special", false}, {"max_tokens", 0}},
             {{"prompt", "<|padding|>"}, {"max_tokens", 0}},
             {{"prompt", "The"}, {"seed", nullptr}, {"max_tokens", nullptr}}},
            options);
  EXPECT_EQ(answers.at(0)["tokens"].size(), 3U);
  EXPECT_EQ(answers.at(1)["seed"], 9);
  EXPECT_EQ(answers.at(1)["text"],
            alone("The", {"-n", "12", "--seed", "9", "--temperature", "0.5"}));
  EXPECT_EQ(answers.at(2)["seed"], ~std::uint64_t{0});
  EXPECT_EQ(answers.at(3)["text"], alone("The", {"-n", "12", "--temperature", "0"}));
  EXPECT_EQ(answers.at(4)["tokens"], Json({1234, 1234}));
  EXPECT_EQ(answers.at(6)["stop_reason"], "stop_string");
  EXPECT_EQ(answers.at(7)["text"], answers.at(6)["text"]);
  EXPECT_EQ(answers.at(8)["stop_reason"], "end_token");
  EXPECT_EQ(answers.at(9)["prompt_tokens"], 3);
  EXPECT_EQ(answers.at(10)["prompt_tokens"].get<int>() + 1, answers.at(0)["prompt_tokens"]);
  EXPECT_EQ(answers.at(11)["text"], answers.at(3)["text"]);
  EXPECT_GT(answers.at(12)["prompt_tokens"], answers.at(13)["prompt_tokens"]);
  EXPECT_EQ(answers.at(14)["text"], alone("The", options));
}

TEST_F(BatchCommand, EachLineDrawsASeedThatRepeatsIt) {
  const auto answers = piped({"The", "The", "The"}, {"-n", "12"});
  EXPECT_NE(answers.at(0)["seed"], answers.at(1)["seed"]);
  for (const auto& [index, answer] : answers) {
    EXPECT_EQ(answer["text"], alone("The", {"-n", "12", "--seed", answer["seed"].dump()}));
  }
}

TEST_F(BatchCommand, AShortAnswerDoesNotWaitForALongOne) {
  write_prompts({{{"prompt", "a"}, {"max_tokens", 400}}, {{"prompt", "b"}, {"max_tokens", 2}}});
  EXPECT_EQ(batch({"--ignore-eos"}).code, 0);
  ASSERT_EQ(lines_of(out()).size(), 2U);
  EXPECT_THAT(lines_of(out())[0], StartsWith("{\"index\":1,"));
}

TEST_F(BatchCommand, NothingInNothingOut) {
  write("in.jsonl", "");
  EXPECT_EQ(batch({}).code, 0);
  EXPECT_EQ(out(), "");
  EXPECT_EQ(xlstm({"batch"}, {.input = "\n \n"}).out, "");
}

TEST_F(BatchCommand, ManyMoreLinesThanRows) {
  std::vector<Json> lines;
  for (int i = 0; i < 300; ++i)
    lines.push_back({{"prompt", "a"}, {"id", i}, {"max_tokens", i % 3}});
  write_prompts(lines);
  ASSERT_EQ(batch({"--rows", "2", "--ignore-eos"}).code, 0);
  const auto answers = answers_of(out());
  ASSERT_EQ(answers.size(), 300U);
  for (const auto& [index, answer] : answers) {
    EXPECT_EQ(answer["id"], index);
    EXPECT_EQ(answer["tokens"].size(), index % 3);
  }
}

// --- lines that fail ----------------------------------------------------------------------------

struct BadLine {
  const char* line;
  const char* containing;
  int code;
};

void PrintTo(const BadLine& bad, std::ostream* out) {
  *out << bad.line;
}

class BadBatchLine : public CommandLine, public ::testing::WithParamInterface<BadLine> {};

TEST_P(BadBatchLine, IsAnErrorOfItsOwn) {
  const BadLine& bad = GetParam();
  const Result result =
      xlstm({"batch", "-n", "2"}, {.input = std::string("\"a\"\n") + bad.line + "\n\"b\"\n"});
  EXPECT_EQ(result.code, bad.code);
  const auto answers = answers_of(result.out);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_TRUE(answers.at(0).contains("text"));
  EXPECT_TRUE(answers.at(2).contains("text"));
  const std::string error = answers.at(1).value("error", "");
  EXPECT_THAT(error, AllOf(StartsWith("[standard input, line 2"), HasSubstr(bad.containing)));
  EXPECT_EQ(lines_of(result.err).size(), 1U) << result.err;
  EXPECT_THAT(result.err, AllOf(StartsWith("xlstm: [standard input, line 2"),
                                HasSubstr("(the first of 1 line that failed; 2 answered)")));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadBatchLine,
    ::testing::Values(
        BadLine{"{\"prompt\": \"x\"", "malformed JSON", 3}, BadLine{"\"\xff\"", "UTF-8", 3},
        BadLine{"\"\\ud800\"", "malformed", 3},
        BadLine{"7", "wanted a string or an object, got a number", 3},
        BadLine{"[]", "wanted a string or an object", 3},
        BadLine{"{}", "one of \"prompt\" and \"prompt_ids\", got neither", 3},
        BadLine{R"({"prompt":"a","prompt_ids":[1]})", "got both", 3},
        BadLine{R"({"prompt":null})", "got neither", 3},
        BadLine{R"({"promt":"a"})", "got \"promt\"; did you mean prompt?", 3},
        BadLine{R"({"prompt":"a","temprature":1})", "did you mean temperature?", 3},
        BadLine{R"({"prompt":7})", "line 2: prompt] wanted a string, got a number: 7", 3},
        BadLine{R"({"prompt":"a","prompt":"b"})", "prompt", 3},
        BadLine{R"({"prompt_ids":"a"})", "line 2: prompt_ids] wanted an array", 3},
        BadLine{R"({"prompt_ids":[-1]})", "line 2: prompt_ids] wanted a whole number from 0", 3},
        BadLine{R"({"prompt_ids":[1.5]})", "line 2: prompt_ids]", 3},
        BadLine{R"({"prompt_ids":[4096]})", "line 2: prompt] wanted token ids in [0, 4096)", 2},
        BadLine{R"({"prompt_ids":[]})", "line 2: prompt]", 2},
        BadLine{R"({"prompt":"","add_bos":false})", "line 2: prompt]", 2},
        BadLine{R"({"prompt":"a","max_tokens":-1})", "line 2: max_tokens] wanted a whole", 3},
        BadLine{R"({"prompt":"a","max_tokens":5000000000})", "line 2: max_tokens]", 3},
        BadLine{R"({"prompt":"a","max_tokens":"5"})", "line 2: max_tokens]", 3},
        BadLine{R"({"prompt":"a","temperature":1e39})", "line 2: temperature] wanted a finite", 3},
        BadLine{R"({"prompt":"a","temperature":-1})", "line 2: temperature]", 2},
        BadLine{R"({"prompt":"a","top_p":7})", "line 2: top_p]", 2},
        BadLine{R"({"prompt":"a","seed":-1})", "line 2: seed]", 3},
        BadLine{R"({"prompt":"a","stop":[1]})", "line 2: stop] wanted a string", 3},
        BadLine{R"({"prompt":"a","stop":""})", "line 2: stop", 2},
        BadLine{R"({"prompt":"a","end_tokens":[4096]})", "line 2: end_tokens]", 2},
        BadLine{R"({"prompt":"a","logit_bias":[1]})", "line 2: logit_bias] wanted an object", 3},
        BadLine{R"({"prompt":"a","logit_bias":{"x":1}})", "wanted token ids as keys", 3},
        BadLine{R"({"prompt":"a","logit_bias":{"4096":1}})", "line 2: logit_bias]", 2},
        BadLine{R"({"prompt":"a","add_bos":1})", "line 2: add_bos] wanted true or false", 3}));

TEST_F(BatchCommand, AnErrorKeepsIdAndMetadata) {
  const Result result = xlstm({"batch"}, {.input = R"({"id":5,"metadata":"m","promt":"a"})"
                                                   "\n"});
  const Json answer = answers_of(result.out).at(0);
  EXPECT_EQ(answer["id"], 5);
  EXPECT_EQ(answer["metadata"], "m");
}

TEST_F(BatchCommand, TheFirstReasonIsThatOfTheFirstLine) {
  // The engine sees line 1 after line 2 was found malformed.
  const Result result = xlstm({"batch"}, {.input = "{\"prompt_ids\":[5000]}\nx\n"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("line 1: prompt]"), HasSubstr("the first of 2 lines")));
}

}  // namespace
}  // namespace xlstm::testing
