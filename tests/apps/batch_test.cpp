// xlstm batch: lines of prompts in, lines of answers out.
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The last answer to each line, as docs/cli.md tells readers to take it.
std::map<std::size_t, Json> answers_of(const std::string& text) {
  std::map<std::size_t, Json> answers;
  for (const std::string& line : lines_of(text)) {
    const Json json = Json::parse(line);
    answers[json["index"].get<std::size_t>()] = json;
  }
  return answers;
}

std::string jsonl(const std::vector<Json>& lines) {
  std::string text;
  for (const Json& line : lines) text += line.dump() + "\n";
  return text;
}

class BatchCommand : public CommandLine {
 protected:
  const std::string in_ = file("in.jsonl").string();
  const std::string out_ = file("out.jsonl").string();

  Result batch(const std::vector<std::string>& more, const RunOptions& options = {}) const {
    std::vector<std::string> arguments = {"batch", in_, out_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return xlstm(arguments, options);
  }
  std::string out() const { return content_of(out_); }
  void write_prompts(const std::vector<Json>& lines) const { write("in.jsonl", jsonl(lines)); }

  // Answers of a run over `lines` at once, from pipe to pipe.
  std::map<std::size_t, Json> piped(const std::vector<Json>& lines,
                                    std::vector<std::string> more = {}) const {
    more.insert(more.begin(), "batch");
    const Result result = xlstm(more, {.input = jsonl(lines)});
    EXPECT_EQ(result.code, 0) << result.err;
    return answers_of(result.out);
  }

  // What `xlstm generate` says.
  std::string alone(const std::string& prompt, std::vector<std::string> more) const {
    more.insert(more.begin(), {"generate", "--prompt", prompt, "--json"});
    return Json::parse(xlstm(more).out)["text"];
  }
};

const std::vector<std::string> kPrompts = {"The whale", "Once upon a time", "",
                                           "It was a dark and stormy night, and", "Call me"};

// --- answers ------------------------------------------------------------------------------------

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

// --- going on -----------------------------------------------------------------------------------

TEST_F(BatchCommand, GoesOnWhereItStopped) {
  write_prompts({"a", "b", "c", "d"});
  ASSERT_EQ(batch({"--seed", "1"}).code, 0);
  const auto whole = answers_of(out());
  // All but one answer, and a line cut short.
  const auto lines = lines_of(out());
  write("out.jsonl", lines[2] + "\n" + lines[0] + "\n" + lines[1] + "\n" + lines[3].substr(0, 30));
  ASSERT_EQ(batch({"--seed", "1", "--stats"}).code, 0);
  EXPECT_THAT(out(), StartsWith(lines[2] + "\n" + lines[0] + "\n" + lines[1] + "\n{\"index\":"));
  EXPECT_EQ(lines_of(out()).size(), 4U);
  EXPECT_EQ(answers_of(out()), whole);
  // A run with nothing to do changes nothing, and does not load the model.
  const std::string before = out();
  const Result idle = batch({"--seed", "1", "--memory-limit", "1M"});
  EXPECT_EQ(idle.code, 0) << idle.err;
  EXPECT_EQ(out(), before);
}

TEST_F(BatchCommand, ALineCutAtAnyByteIsAnsweredAgain) {
  write_prompts({"a", "b"});
  ASSERT_EQ(batch({"--seed", "1", "-n", "1"}).code, 0);
  const std::string whole = out();
  const std::size_t first = whole.find('\n') + 1;
  for (const std::size_t cut :
       {first + 1, first + 9, first + 11, whole.size() - 2, whole.size() - 1}) {
    write("out.jsonl", whole.substr(0, cut));
    const Result result = batch({"--seed", "1", "-n", "1"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(out(), whole) << cut;
  }
}

TEST_F(BatchCommand, FromAPipeItGoesOnToo) {
  const std::string first = jsonl({"a"}), all = jsonl({"a", "b"});
  ASSERT_EQ(xlstm({"batch", "-", out_, "--seed", "1"}, {.input = first}).code, 0);
  const std::string before = out();
  ASSERT_EQ(xlstm({"batch", "-", out_, "--seed", "1"}, {.input = all}).code, 0);
  EXPECT_THAT(out(), StartsWith(before));
  EXPECT_EQ(lines_of(out()).size(), 2U);
}

TEST_F(BatchCommand, TriesAgainWhatFailed) {
  write("in.jsonl", "\"a\"\nbad\n{\"prompt\":\"b\",\"top_p\":7}\n");
  EXPECT_EQ(batch({"-n", "2"}).code, 3);
  EXPECT_EQ(lines_of(out()).size(), 3U);
  const std::string before = out();
  EXPECT_EQ(batch({"-n", "2", "--keep-failed"}).code, 0);
  EXPECT_EQ(out(), before);
  EXPECT_EQ(batch({"-n", "2"}).code, 3);
  EXPECT_EQ(lines_of(out()).size(), 5U);
  // Put right, a line is answered, also where failures are kept.
  write("in.jsonl", "\"a\"\n\"good\"\n{\"prompt\":\"b\",\"top_p\":7}\n");
  EXPECT_EQ(batch({"-n", "2", "--keep-failed"}).code, 0);
  EXPECT_EQ(lines_of(out()).size(), 6U);
  const auto answers = answers_of(out());
  EXPECT_TRUE(answers.at(1).contains("text"));
  EXPECT_TRUE(answers.at(2).contains("error"));
}

TEST_F(BatchCommand, DoesNotMixAnswersOfOtherRequests) {
  write_prompts({"a", "b"});
  ASSERT_EQ(batch({"-n", "2"}).code, 0);
  const std::string before = out();
  const auto refuses = [&](const std::vector<std::string>& options, const char* containing) {
    const Result result = batch(options);
    EXPECT_TRUE(is_one_line_error(result, 2, containing));
    EXPECT_THAT(result.err, HasSubstr("--restart"));
    EXPECT_EQ(out(), before);
  };
  refuses({"-n", "3"}, "in.jsonl, line 1");
  refuses({"-n", "2", "--temperature", "0.5"}, "line 1");
  refuses({"-n", "2", "--seed", "0"}, "line 1");
  refuses({"-n", "2", "--no-bos"}, "line 1");
  refuses({"-n", "2", "--stop", "x"}, "line 1");
  refuses({"-n", "2", "--end-token", "5"}, "line 1");
  refuses({"-n", "2", "--logit-bias", "5=1"}, "line 1");
  refuses({"-n", "2", "--quantize", "8"}, "line 1");
  write_prompts({"a", "changed"});
  refuses({"-n", "2"}, "line 2");
  write_prompts({"a"});
  refuses({"-n", "2"}, "some to 1 lines that");
  write_prompts({"a", "b"});
  EXPECT_EQ(batch({"-n", "2", "--rows", "1", "--threads", "1"}).code, 0);
  EXPECT_EQ(out(), before);
}

TEST_F(BatchCommand, RestartBeginsAnew) {
  write_prompts({"a", "b"});
  ASSERT_EQ(batch({"--restart", "-n", "2"}).code, 0);  // nothing there yet
  const std::string before = out();
  // What fails before the first answer leaves the old ones.
  EXPECT_EQ(batch({"--restart", "--model", file("none").string()}).code, 3);
  EXPECT_EQ(batch({"--restart", "--memory-limit", "1M"}).code, 4);
  EXPECT_EQ(out(), before);
  ASSERT_EQ(batch({"--restart", "-n", "3"}).code, 0);
  const auto answers = answers_of(out());
  ASSERT_EQ(lines_of(out()).size(), 2U);
  EXPECT_EQ(answers.at(0)["tokens"].size(), 3U);
  write("in.jsonl", "\n");
  ASSERT_EQ(batch({"--restart"}).code, 0);
  EXPECT_EQ(out(), "");
}

TEST_F(BatchCommand, NeverChangesAFileThatIsNoOutput) {
  write_prompts({"a"});
  for (const char* content :
       {"hello\n", "hello", "{}\n", "{\"index\":1}\n", "{\"index\":1,\"prompt\":\"a\"}",
        "{\"index\":-1,\"tokens\":[],\"request\":\"1\"}\n",
        "{\"index\":0,\"tokens\":[],\"request\":7}\n",
        "{\"index\":0,\"tokens\":[],\"request\":\"xyz\"}\n", "\n", "[1]\n", "\"a\"\n"}) {
    write("out.jsonl", content);
    for (const std::vector<std::string>& options :
         {std::vector<std::string>{}, std::vector<std::string>{"--restart"}}) {
      EXPECT_TRUE(is_one_line_error(batch(options), 3, "out.jsonl, line 1]")) << content;
      EXPECT_EQ(out(), content);
    }
  }
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", in_, in_}), 3, "in.jsonl, line 1]"));
  EXPECT_EQ(content_of(in_), jsonl({"a"}));
}

TEST_F(BatchCommand, OneRunWritesToAFileAtATime) {
  Process first(command({"batch", "-", out_}), Process::Streams::kPipes);
  first.write("\"a\"\n");
  while (out().empty()) {  // the minute of Process ends what never comes
    ASSERT_NO_THROW(usleep(1000));
  }
  write_prompts({"a"});
  EXPECT_TRUE(is_one_line_error(batch({}), 3, "another run writes to it"));
  first.close_input();
  EXPECT_EQ(first.wait(), 0);
}

// --- streams, signals, files --------------------------------------------------------------------

TEST_F(BatchCommand, AnswersALineBeforeTheNextComes) {
  Process process(command({"batch", "-n", "3"}), Process::Streams::kPipes);
  process.write("\"a\"\n");
  process.read_until("{\"index\":0,");
  process.write("\"b\"\n\"c");
  process.read_until("{\"index\":1,");
  process.write("\"");
  process.close_input();
  process.read_until("{\"index\":2,");
  EXPECT_EQ(process.wait(), 0);
}

TEST_F(BatchCommand, CtrlCKeepsWhatIsDone) {
  Process process(command({"batch", "-", out_, "--ignore-eos", "--seed", "1"}),
                  Process::Streams::kPipes);
  process.write(jsonl({"a", {{"prompt", "b"}, {"max_tokens", 100000000}}}));
  while (out().empty()) usleep(1000);
  process.send(SIGINT);
  EXPECT_EQ(process.wait(), 130);
  EXPECT_THAT(process.read_errors(), AllOf(HasSubstr("1 lines answered now"), HasSubstr(out_)));
  ASSERT_EQ(lines_of(out()).size(), 1U);
  EXPECT_THAT(out(), EndsWith("\n"));
  // And it goes on.
  const Result result =
      xlstm({"batch", "-", out_, "--ignore-eos", "--seed", "1"}, {.input = jsonl({"a", "b"})});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(lines_of(out()).size(), 2U);
}

TEST_F(BatchCommand, SigtermEndsItWhileItWaitsForALine) {
  Process process(command({"batch", "-n", "1"}), Process::Streams::kPipes);
  process.write("\"a\"\n");
  process.read_until("{\"index\":0,");
  process.send(SIGTERM);
  EXPECT_EQ(process.wait(), 143);
}

TEST_F(BatchCommand, AClosedPipeEndsItQuietly) {
  Process process(command({"batch", "-n", "1"}), Process::Streams::kPipes);
  process.write("\"a\"\n");
  process.read_until("{\"index\":0,");
  process.close_output();
  process.write("\"b\"\n");
  process.close_input();
  EXPECT_EQ(process.wait(), 0);
  EXPECT_THAT(process.read_errors(), IsEmpty());
}

TEST_F(BatchCommand, AFullDiskIsAnErrorAndTheLastLineStaysWhole) {
  std::vector<Json> lines(40, "a");
  write_prompts(lines);
  const Result result = batch({"-n", "20", "--seed", "1"}, {.file_size_limit = 2000});
  EXPECT_TRUE(is_one_line_error(result, 3, "out.jsonl] cannot be written"));
  EXPECT_LE(out().size(), 2000U);
  EXPECT_GT(out().size(), 0U);
  EXPECT_THAT(out(), EndsWith("\n"));
  EXPECT_EQ(batch({"-n", "20", "--seed", "1"}).code, 0);
  EXPECT_EQ(answers_of(out()).size(), 40U);
}

TEST_F(BatchCommand, OutputsThatAreNoFilesAreRefused) {
  write_prompts({"a"});
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", in_, folder_.string()}), 3, "got a folder"));
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", in_, "/dev/null"}), 3, "a device or a pipe"));
  const std::string pipe = file("pipe").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", in_, pipe}), 3, "a device or a pipe"));
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", in_, file("no/folder").string()}), 3, "no/folder"));
}

TEST_F(BatchCommand, WhatCannotRunLeavesNoFile) {
  EXPECT_TRUE(is_one_line_error(batch({}), 3, "in.jsonl] cannot be opened"));
  write_prompts({"a"});
  EXPECT_EQ(batch({"--memory-limit", "1M"}).code, 4);
  EXPECT_EQ(batch({"--logit-bias", "4096=1"}).code, 2);
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(BatchCommand, BadOptions) {
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", "", out_}), 2, "wanted a file name"));
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", "a", "b", "c"}), 2, "\"c\""));
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", "--rows", "0"}), 2, "[--rows] wanted"));
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", "--restart"}), 2, "[--restart] wanted a file OUT"));
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", "--keep-failed"}), 2, "[--keep-failed] wanted"));
  EXPECT_TRUE(is_one_line_error(xlstm({"batch", "--max-tokns", "1"}), 2, "--max-tokens"));
}

TEST_F(BatchCommand, RowsAreBoundedByMemoryAndLines) {
  std::vector<Json> lines(20, "a");
  write_prompts(lines);
  const auto rows = [&](std::vector<std::string> options) {
    options.insert(options.end(), {"-n", "1", "--stats", "--restart", "--device", "cpu"});
    const Result result = batch(options);
    EXPECT_EQ(result.code, 0) << result.err;
    const std::string before = " failed, ";
    const std::size_t at = result.err.find(before);
    return at == std::string::npos ? -1 : std::stoi(result.err.substr(at + before.size()));
  };
  EXPECT_EQ(rows({}), 16);  // float32: as many as say what each says alone
  EXPECT_EQ(rows({"--quantize", "8"}), 20);
  EXPECT_EQ(rows({"--rows", "64"}), 20);
  EXPECT_EQ(rows({"--rows", "3"}), 3);
  // 32.6 MiB of weights, and 2 x 260 KiB and some a row.
  const int few = rows({"--memory-limit", "46M"});
  EXPECT_GT(few, 1);
  EXPECT_LT(few, 16);
  EXPECT_TRUE(is_one_line_error(
      xlstm({"batch", in_, "--rows", "20", "--memory-limit", "46M", "--device", "cpu"}), 4,
      "[--rows] wanted"));
}

TEST_F(BatchCommand, ShowsProgressAtATerminal) {
  std::vector<Json> lines(30, Json{{"prompt", "a"}, {"top_p", 7}});
  lines.emplace_back(Json{{"prompt", "a"}, {"max_tokens", 2000}});
  write_prompts(lines);
  Process process(command({"batch", in_, out_, "--ignore-eos"}), Process::Streams::kTerminal, {},
                  100);
  EXPECT_THAT(process.read_until("30 failed"),
              AllOf(HasSubstr("Answering ["), HasSubstr("30 of 31, "), HasSubstr(" tokens/s, ")));
  process.read_all();
  EXPECT_EQ(process.wait(), 2);
}

}  // namespace
}  // namespace xlstm::testing
