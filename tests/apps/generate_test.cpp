#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

class Generate : public CommandLine {
 protected:
  // Greedy, as the golden file was made: no BOS, no end token.
  std::vector<std::string> greedy(const std::string& prompt, int tokens) const {
    return {"generate",
            "--prompt",
            prompt,
            "--temperature",
            "0",
            "--max-tokens",
            std::to_string(tokens),
            "--no-bos",
            "--ignore-eos"};
  }
};

TEST_F(Generate, WritesTheGoldenContinuation) {
  for (int number = 0; number < 3; ++number) {
    const Golden wanted = golden(number);
    const Result result = xlstm(greedy(wanted.prompt, static_cast<int>(wanted.greedy_ids.size())));
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(result.out, wanted.greedy + "\n");
    EXPECT_THAT(result.err, IsEmpty());
  }
}

TEST_F(Generate, ReadsThePromptFromAFileAndFromStandardInput) {
  const Golden wanted = golden(0);
  std::vector<std::string> from_input = {"generate", "--temperature", "0", "--no-bos", "-n", "12"};
  const Result piped = xlstm(from_input, {.input = wanted.prompt + "\n"});
  EXPECT_EQ(piped.code, 0) << piped.err;
  EXPECT_EQ(wanted.greedy.find(piped.out.substr(0, piped.out.size() - 1)), 0U) << piped.out;
  EXPECT_GT(piped.out.size(), 12U);

  from_input.insert(from_input.end(), {"--prompt", "-"});
  EXPECT_EQ(xlstm(from_input, {.input = wanted.prompt}).out, piped.out);

  from_input.resize(from_input.size() - 2);
  const std::string path = write("prompt.txt", wanted.prompt + "\r\n").string();
  from_input.insert(from_input.end(), {"--prompt-file", path});
  EXPECT_EQ(xlstm(from_input).out, piped.out);
}

TEST_F(Generate, AnEmptyPromptStartsFromBos) {
  const std::vector<std::string> arguments = {"generate", "--prompt", "", "-n", "8", "--seed", "1"};
  const Result result = xlstm(arguments);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_GT(result.out.size(), 1U);
  EXPECT_EQ(xlstm({"generate", "-n", "8", "--seed", "1"}).out, result.out);
  EXPECT_EQ(xlstm({"generate", "--prompt=", "-n8", "--seed=1"}).out, result.out);
}

TEST_F(Generate, JsonIsOneObjectThatSaysAll) {
  const Golden wanted = golden(0);
  auto arguments = greedy(wanted.prompt, static_cast<int>(wanted.greedy_ids.size()));
  arguments.push_back("--json");
  const Result result = xlstm(arguments);
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["text"], wanted.greedy);
  EXPECT_EQ(json["tokens"].get<std::vector<std::int32_t>>(), wanted.greedy_ids);
  EXPECT_EQ(json["stop_reason"], "max_tokens");
  EXPECT_TRUE(json["seed"].is_number_unsigned());
  EXPECT_EQ(json["statistics"]["generated_tokens"], wanted.greedy_ids.size());
  EXPECT_GT(json["statistics"]["memory"]["peak"], 0);
  EXPECT_GT(json["statistics"]["bytes_per_token"], 0);
  EXPECT_EQ(json["model"]["name"], "classics-8m");
  EXPECT_EQ(json["model"]["V"], 4096);
}

TEST_F(Generate, TheSameSeedGivesTheSameText) {
  const auto with_seed = [this](const std::string& seed) {
    return xlstm({"generate", "--prompt", "The", "-n", "30", "--seed", seed, "--top-k", "50",
                  "--top-p", "0.95", "--min-p", "0.01", "--repetition-penalty", "1.1",
                  "--presence-penalty", "0.1", "--frequency-penalty", "0.1"})
        .out;
  };
  const std::string first = with_seed("7");
  EXPECT_GT(first.size(), 20U);
  EXPECT_EQ(with_seed("7"), first);
  EXPECT_NE(with_seed("8"), first);
}

TEST_F(Generate, TheSeedThatJsonTellsRepeatsTheRun) {
  const Json json = Json::parse(xlstm({"generate", "--prompt", "The", "-n", "20", "--json"}).out);
  const std::string seed = std::to_string(json["seed"].get<std::uint64_t>());
  const Result again = xlstm({"generate", "--prompt", "The", "-n", "20", "--seed", seed});
  EXPECT_EQ(again.out, json["text"].get<std::string>() + "\n");
}

TEST_F(Generate, StopsBeforeAStopTextAndUnderstandsEscapes) {
  const Golden wanted = golden(0);
  ASSERT_THAT(wanted.greedy, HasSubstr("\n\n"));
  auto arguments = greedy(wanted.prompt, 64);
  arguments.insert(arguments.end(), {"--stop", "never seen", "--stop", "\\n\\n"});
  const Result result = xlstm(arguments);
  EXPECT_EQ(result.out, wanted.greedy.substr(0, wanted.greedy.find("\n\n")) + "\n");

  // Brackets and commas are text like any other.
  arguments = greedy(wanted.prompt, 64);
  arguments.insert(arguments.end(), {"--stop", "[air,wind]", "--stop", " air"});
  EXPECT_EQ(xlstm(arguments).out, wanted.greedy.substr(0, wanted.greedy.find(" air")) + "\n");
}

TEST_F(Generate, LogitBiasForbidsAndForces) {
  const Golden wanted = golden(0);
  auto arguments = greedy(wanted.prompt, 1);
  const std::string first = std::to_string(wanted.greedy_ids.front());
  arguments.insert(arguments.end(), {"--json", "--logit-bias", first + "=-inf"});
  EXPECT_NE(Json::parse(xlstm(arguments).out)["tokens"][0], wanted.greedy_ids.front());
  arguments.insert(arguments.end(), {"--logit-bias", "1234=1e6"});
  EXPECT_EQ(Json::parse(xlstm(arguments).out)["tokens"][0], 1234);
}

TEST_F(Generate, EndTokensByIdAndByText) {
  const Golden wanted = golden(0);
  const auto tokens = [&](const std::string& end) {
    auto arguments = greedy(wanted.prompt, 64);
    arguments.insert(arguments.end(), {"--json", "--end-token", "4095", "--end-token", end});
    const Result result = xlstm(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    const Json json = Json::parse(result.out);
    EXPECT_EQ(json["stop_reason"], "end_token");
    return json["tokens"].get<std::vector<std::int32_t>>();
  };
  const std::int32_t line_end = 200;
  const auto at = std::ranges::find(wanted.greedy_ids, line_end);
  ASSERT_NE(at, wanted.greedy_ids.end());
  const std::vector<std::int32_t> until(wanted.greedy_ids.begin(), at + 1);
  EXPECT_EQ(tokens("200"), until);
  EXPECT_EQ(tokens("\\n"), until);

  auto arguments = greedy(wanted.prompt, 5);
  arguments.insert(arguments.end(), {"--json", "--logit-bias", "1=1e6"});
  arguments.insert(arguments.end(), {"--end-token", "<|padding|>"});
  EXPECT_EQ(Json::parse(xlstm(arguments).out)["tokens"], Json({1}));
}

TEST_F(Generate, AnEndTokenIsOneToken) {
  for (const auto& [end, message] :
       {std::pair{"two words", "\"two words\", which is 3 tokens"},
        {"<|padding|><|padding|>", "which is 2 tokens"},
        {"4096", "[--end-token] wanted a whole number from 0 to 4095, got \"4096\""},
        {"", "[--end-token] wanted an id or some text"},
        {"\xff", "[--end-token] wanted UTF-8"},
        {"\\x", "[--end-token] wanted one of"}}) {
    const Result result = xlstm({"generate", "-p", "The", "--end-token", end});
    EXPECT_TRUE(is_one_line_error(result, 2, message));
  }
}

TEST_F(Generate, StopsAtASpecialTokenThatIsNotShown) {
  auto arguments = greedy("The end.", 5);
  arguments.insert(arguments.end(), {"--json", "--logit-bias", "1=1e6", "--stop", "<|padding|>"});
  const Json json = Json::parse(xlstm(arguments).out);
  EXPECT_EQ(json["stop_reason"], "stop_string");
  EXPECT_EQ(json["tokens"], Json({1}));
  EXPECT_EQ(json["text"], "");
}

TEST_F(Generate, SpecialTokensInThePromptAreParsedUnlessToldNotTo) {
  const auto prompt_tokens = [this](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"generate", "-p", "<|padding|>", "-n", "0", "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Json::parse(xlstm(arguments).out)["statistics"]["prompt_tokens"].get<int>();
  };
  EXPECT_EQ(prompt_tokens({}), 2);
  EXPECT_EQ(prompt_tokens({"--parse-special", "off", "--parse-special=on"}), 2);
  EXPECT_GT(prompt_tokens({"--parse-special", "off"}), 4);
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "a", "--parse-special", "no"}), 2,
                                "[--parse-special] wanted one of on, off"));
}

TEST_F(Generate, StatisticsGoToStandardError) {
  const Result result = xlstm({"generate", "--prompt", "The", "-n", "5", "--stats"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("tokens/s")));
  for (const char* part : {"load", "prompt", "answer", "first token", "active", "peak", "cache",
                           "resident", "a token", "seed"}) {
    EXPECT_THAT(result.err, HasSubstr(part));
  }
}

TEST_F(Generate, InfoAndWiringGoToStandardError) {
  const Result result = xlstm({"generate", "--prompt", "The", "-n", "3", "--info", "--show-wiring",
                               "--wiring-style", "ascii", "--seed", "1"});
  EXPECT_THAT(result.err, HasSubstr("parameters"));
  EXPECT_THAT(result.err, HasSubstr("lm_head"));
  EXPECT_EQ(result.err.find("\xE2\x94"), std::string::npos) << "box characters in ascii";
  EXPECT_EQ(result.out, xlstm({"generate", "--prompt", "The", "-n", "3", "--seed", "1"}).out);
}

TEST_F(Generate, DtypesAndThreadsAreTaken) {
  const Golden wanted = golden(0);
  for (const char* dtype : {"float32", "f32", "bfloat16", "bf16", "auto"}) {
    auto arguments = greedy(wanted.prompt, 8);
    arguments.insert(arguments.end(), {"--dtype", dtype, "--threads", "1", "--device", "cpu"});
    const Result result = xlstm(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_EQ(wanted.greedy.find(result.out.substr(0, result.out.size() - 1)), 0U) << result.out;
  }
}

TEST_F(Generate, InterruptKeepsTheTextSoFar) {
  Process process(command({"generate", "--prompt", "The", "-n", "100000000", "--ignore-eos",
                           "--save-state", file("kept").string()}),
                  Process::Streams::kPipes);
  process.read_until(" ");
  process.send(SIGINT);
  const std::string text = process.read_all();
  EXPECT_EQ(process.read_errors(), "\n");
  EXPECT_EQ(process.wait(), 130);
  EXPECT_THAT(text, HasSubstr(" "));
  EXPECT_TRUE(std::filesystem::exists(file("kept")));
}

TEST_F(Generate, SigtermEndsItLikeCtrlC) {
  Process process(command({"generate", "--prompt", "The", "-n", "100000000", "--ignore-eos",
                           "--save-state", file("kept").string()}),
                  Process::Streams::kPipes);
  process.read_until(" ");
  process.send(SIGTERM);
  process.read_all();
  EXPECT_EQ(process.wait(), 143);
  EXPECT_TRUE(std::filesystem::exists(file("kept")));
}

TEST_F(Generate, AClosedPipeEndsItQuietly) {
  Process process(command({"generate", "--prompt", "The", "-n", "100000000", "--ignore-eos"}),
                  Process::Streams::kPipes);
  process.read_until(" ");
  process.close_output();
  EXPECT_EQ(process.read_errors(), "");
  EXPECT_EQ(process.wait(), 0);
}

}  // namespace
}  // namespace xlstm::testing
