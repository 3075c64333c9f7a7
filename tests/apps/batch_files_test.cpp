// xlstm batch: goes on where it stopped, from and to files, pipes and terminals.
#include <signal.h>
#include <sys/stat.h>

#include <map>

#include "tests/apps/batch_command.h"

namespace xlstm::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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
  expect_answer_before_the_next_line({"batch", "-n", "3"});
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
  expect_quiet_end_at_a_closed_pipe({"batch", "-n", "1"});
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
