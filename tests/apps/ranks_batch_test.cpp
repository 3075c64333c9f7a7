// xlstm batch run by several processes together.
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "tests/apps/batch_command.h"
#include "tests/apps/devices.h"

namespace xlstm::testing {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BatchOfDevices : public BatchCommand {
 protected:
  // Prompts of many lengths; every fourth line is wrong.
  static std::vector<Json> lines() {
    std::vector<Json> out;
    for (int i = 0; i < 24; ++i) {
      std::string prompt = "Once upon a time";
      for (int words = 0; words < i * 7; ++words) prompt += " and then";
      Json line = {{"prompt", prompt}, {"max_tokens", 3 + i % 11}, {"id", i}};
      if (i % 4 == 3) line["top_p"] = 7;
      if (i % 5 == 2) line["temperature"] = 0;
      if (i % 6 == 1) line["stop"] = {"the"};
      out.push_back(line);
    }
    return out;
  }
  static std::vector<std::string> endless() {
    return among(2, {"batch", "--ignore-eos", "-n", "100000000"});
  }
};

TEST_F(BatchOfDevices, AnswerAsOneDoes) {
  for (const std::vector<std::string>& options :
       {std::vector<std::string>{"batch", "--temperature", "0", "--seed", "1"},
        {"batch", "--seed", "7", "--top-p", "0.9", "--presence-penalty", "0.5", "--rows", "3"},
        {"batch", "--seed", "3", "--regex", "[a-z ]{4,12}"}}) {
    const Result one = xlstm(options, {.input = jsonl(lines())});
    for (const int devices : {2, 4}) {
      const Result several = xlstm(among(devices, options), {.input = jsonl(lines())});
      EXPECT_EQ(several.code, one.code);
      EXPECT_EQ(several.code, 2);
      EXPECT_EQ(several.err, one.err);
      EXPECT_EQ(answers_of(several.out), answers_of(one.out)) << devices;
    }
  }
}

TEST_F(BatchOfDevices, DrawSeedsThatRepeatTheirAnswers) {
  const Result first =
      xlstm(among(2, {"batch", "-n", "12"}), {.input = jsonl({"It was", "It was"})});
  ASSERT_EQ(first.code, 0) << first.err;
  for (const auto& [index, answer] : answers_of(first.out)) {
    const std::string seed = std::to_string(answer["seed"].get<std::uint64_t>());
    EXPECT_EQ(alone("It was", {"-n", "12", "--seed", seed}), answer["text"]);
  }
}

TEST_F(BatchOfDevices, AnswerALineBeforeTheNextComes) {
  expect_answer_before_the_next_line(among(2, {"batch", "-n", "3"}));
}

TEST_F(BatchOfDevices, GoOnWithAFileThatOneBegan) {
  write_prompts(lines());
  ASSERT_EQ(batch({"--seed", "1"}).code, 2);
  const std::string whole = out();
  write("out.jsonl", whole.substr(0, whole.size() / 2));
  EXPECT_EQ(xlstm(among(2, {"batch", in_, out_, "--seed", "1"})).code, 2);
  EXPECT_EQ(answers_of(out()), answers_of(whole));
  // Nothing is left but the lines that failed, and then nothing.
  EXPECT_EQ(xlstm(among(2, {"batch", in_, out_, "--seed", "1", "--keep-failed"})).code, 0);
  EXPECT_EQ(answers_of(out()), answers_of(whole));
}

TEST_F(BatchOfDevices, SayHowManyRows) {
  write_prompts(std::vector<Json>(20, "a"));
  const Result result = xlstm(among(2, {"batch", in_, out_, "-n", "1", "--rows", "3", "--stats"}));
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("20 answered, 0 failed, 3 rows at once"),
                                HasSubstr("answers      20 tokens, ")));
}

TEST_F(BatchOfDevices, RefuseWhatOneRefuses) {
  EXPECT_TRUE(
      is_one_line_error(xlstm(among(2, {"batch", in_, out_})), 3, "in.jsonl] cannot be opened"));
  write_prompts({"a"});
  EXPECT_TRUE(
      is_one_line_error(xlstm(among(2, {"batch", in_, folder_.string()})), 3, "got a folder"));
  EXPECT_TRUE(is_one_line_error(xlstm(among(2, {"batch", in_, out_, "--memory-limit", "1M"})), 4,
                                "wanted "));
  EXPECT_TRUE(is_one_line_error(
      xlstm(among(2, {"batch", in_, out_, "--rows", "20000", "--memory-limit", "46M"})), 4,
      "wanted "));
  EXPECT_TRUE(is_one_line_error(xlstm(among(3, {"batch", in_, out_})), 2,
                                "wanted a number that divides the model's 4 heads"));
  EXPECT_FALSE(std::filesystem::exists(out_));
}

TEST_F(BatchOfDevices, CtrlCKeepsWhatIsDone) {
  for (const bool all : {false, true}) {
    std::filesystem::remove(out_);
    Process process(command(among(2, {"batch", "-", out_, "--ignore-eos", "--seed", "1"})),
                    Process::Streams::kPipes);
    process.write(jsonl({"a", {{"prompt", "b"}, {"max_tokens", 100000000}}}));
    while (out().empty()) usleep(1000);
    if (all) {  // as a terminal does
      for (const pid_t rank : children_of(process.id())) kill(rank, SIGINT);
    }
    process.send(SIGINT);
    EXPECT_EQ(process.wait(), 130);
    EXPECT_THAT(process.read_errors(), AllOf(HasSubstr("1 lines answered now"), HasSubstr(out_)));
    ASSERT_EQ(lines_of(out()).size(), 1U);
    EXPECT_THAT(out(), EndsWith("\n"));
  }
}

// A prompt that takes long is left, too.
TEST_F(BatchOfDevices, CtrlCEndsThemWhileTheyReadAPrompt) {
  std::string prompt;
  for (int i = 0; i < 400000; ++i) prompt += "word ";
  Process process(command(among(2, {"batch", "-", out_})), Process::Streams::kPipes);
  process.write(jsonl({{{"prompt", "a"}, {"max_tokens", 1}}, {{"prompt", prompt}}}));
  while (out().empty()) usleep(1000);
  process.send(SIGINT);
  EXPECT_EQ(process.wait(), 130);
  EXPECT_THAT(process.read_errors(), HasSubstr("1 lines answered now"));
  EXPECT_EQ(lines_of(out()).size(), 1U);
}

TEST_F(BatchOfDevices, SigtermEndsThemWhileTheyWaitForALine) {
  Process process(command(among(2, {"batch", "-n", "1"})), Process::Streams::kPipes);
  process.write("\"a\"\n");
  process.read_until("{\"index\":0,");
  const std::vector<pid_t> ranks = children_of(process.id());
  process.send(SIGTERM);
  EXPECT_EQ(process.wait(), 143);
  for (const pid_t rank : ranks) EXPECT_EQ(kill(rank, 0), -1);
}

TEST_F(BatchOfDevices, AClosedPipeEndsThemQuietly) {
  expect_quiet_end_at_a_closed_pipe(among(2, {"batch", "-n", "1"}));
}

TEST_F(BatchOfDevices, OneThatDiesEndsTheOthersAndNoLineIsSaidToHaveFailed) {
  for (const std::size_t rank : {std::size_t{1}, std::size_t{0}}) {
    Process process(command(endless()), Process::Streams::kPipes);
    process.write("{\"prompt\":\"a\",\"max_tokens\":1}\n\"b\"\n");
    process.read_until("{\"index\":0,");
    const std::optional<std::string> out = end_by_killing(process, rank);
    if (!out) GTEST_SKIP() << "the system does not list children";
    EXPECT_EQ(lines_of(*out).size(), 1U) << *out;
  }
}

// As mpirun starts them: only the first looks at the files.
TEST_F(BatchOfDevices, MeetWhereOthersStartThem) {
  const std::vector<std::string> options = {"--temperature", "0",   "--seed",    "1", "-n", "8",
                                            "--device",      "cpu", "--threads", "1"};
  const auto as_rank = [&](const char* rank) {
    return RunOptions{.environment = {{"OMPI_COMM_WORLD_RANK", rank},
                                      {"OMPI_COMM_WORLD_SIZE", "2"},
                                      {"PMIX_NAMESPACE", "batch" + std::to_string(getpid())}}};
  };
  write_prompts({"The whale", "Call me"});
  std::vector<std::string> first = {"batch", in_, out_},
                           second = {"batch", "/no/such", "/no/where"};
  first.insert(first.end(), options.begin(), options.end());
  second.insert(second.end(), options.begin(), options.end());
  Result of_second;
  std::thread other([&] { of_second = xlstm(second, as_rank("1")); });
  const Result of_first = xlstm(first, as_rank("0"));
  other.join();
  EXPECT_EQ(of_first.code, 0) << of_first.err;
  EXPECT_EQ(of_second.code, 0) << of_second.err;
  EXPECT_THAT(of_second.out + of_second.err, IsEmpty());
  EXPECT_EQ(answers_of(out()),
            piped({"The whale", "Call me"}, {"--temperature", "0", "--seed", "1", "-n", "8"}));
}

}  // namespace
}  // namespace xlstm::testing
