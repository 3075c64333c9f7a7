// What bad input gets: one line that says what was wanted and found, and an exit code that says
// why.
#include <filesystem>
#include <fstream>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using BadOption = CommandLine;

struct Case {
  const char* option;
  const char* value;
  const char* containing;  // of the error
};

void PrintTo(const Case& bad, std::ostream* out) {
  *out << bad.option << " " << bad.value;
}

class BadValue : public CommandLine, public ::testing::WithParamInterface<Case> {};

TEST_P(BadValue, IsOneLineAndExitCode2) {
  const Case& bad = GetParam();
  const Result result = xlstm({"generate", "--prompt", "The", bad.option, bad.value});
  EXPECT_TRUE(is_one_line_error(result, 2, bad.containing));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadValue,
    ::testing::Values(
        Case{"--top-p", "7", "[--top-p] wanted a number above 0 and up to 1, got \"7\""},
        Case{"--top-p", "0", "[--top-p]"}, Case{"--top-p", "-1", "[--top-p]"},
        Case{"--top-p", "nan", "[--top-p]"}, Case{"--min-p", "1.5", "[--min-p]"},
        Case{"--temperature", "nan",
             "[--temperature] wanted a finite number of at least 0, got \"nan\""},
        Case{"--temperature", "-0.1", "[--temperature]"},
        Case{"--temperature", "inf", "[--temperature] wanted a finite number"},
        Case{"--temperature", "1e999", "[--temperature]"},
        Case{"--temperature", "1e39", "[--temperature]"},
        Case{"--temperature", "0x1", "[--temperature]"},
        Case{"--temperature", "1,5", "[--temperature]"},
        Case{"--temperature", "", "[--temperature]"},
        Case{"--max-tokens", "-5", "[--max-tokens] wanted a whole number from 0 to"},
        Case{"--max-tokens", "1.5", "[--max-tokens]"},
        Case{"--max-tokens", "99999999999999999999", "[--max-tokens]"},
        Case{"--max-tokens", "ten", "[--max-tokens]"}, Case{"--top-k", "-1", "[--top-k]"},
        Case{"--top-k", "5000000000", "[--top-k]"},
        Case{"--repetition-penalty", "0", "[--repetition-penalty]"},
        Case{"--presence-penalty", "inf", "[--presence-penalty]"},
        Case{"--frequency-penalty", "x", "[--frequency-penalty]"}, Case{"--seed", "-1", "[--seed]"},
        Case{"--seed", "18446744073709551616", "[--seed]"},
        Case{"--logit-bias", "5", "[--logit-bias] wanted ID=VALUE"},
        Case{"--logit-bias", "nan=1", "[--logit-bias]"},
        Case{"--logit-bias", "-1=1", "[--logit-bias]"},
        Case{"--logit-bias", "1=nan", "[--logit-bias]"},
        Case{"--logit-bias", "1=inf", "[--logit-bias]"},
        Case{"--logit-bias", "4096=1", "[--logit-bias] wanted a token id from 0 to 4095, got 4096"},
        Case{"--stop", "", "[--stop] wanted some text"}, Case{"--stop", "\\q", "[--stop]"},
        Case{"--stop", "a\xff", "[--stop] wanted UTF-8 text, got byte 0xff at offset 1"},
        Case{"--prompt", "ab\xff", "[--prompt] wanted UTF-8 text, got byte 0xff at offset 2"},
        Case{"--threads", "-1", "[--threads]"}, Case{"--threads", "100000", "[--threads]"},
        Case{"--dtype", "float16", "[--dtype] wanted one of auto, float32"},
        Case{"--device", "tpu", "[--device] wanted one of auto, cpu, gpu"},
        Case{"--wiring-style", "asci", "did you mean ascii?"},
        Case{"--memory-limit", "much", "[--memory-limit] wanted a size"},
        Case{"--memory-limit", "0", "[--memory-limit]"},
        Case{"--memory-limit", "1e30", "[--memory-limit]"},
        Case{"--memory-limit", "2G,1G", "[--memory-limit] wanted SOFT,HARD"},
        Case{"--promt", "The", "did you mean --prompt?"},
        Case{"--save-state", "", "[--save-state] wanted a file name, got an empty one"},
        Case{"--load-state", "", "[--load-state] wanted a file name"},
        Case{"--prompt-file", "", "[--prompt-file] wanted a file name"},
        Case{"--model", "", "[--model] wanted a folder or a name"},
        Case{"--bogus", "The", "see xlstm generate --help"}));

TEST_F(BadOption, MissingValuesAndCommandsAreNamed) {
  EXPECT_TRUE(
      is_one_line_error(xlstm({"generate", "--prompt"}), 2, "[--prompt] wanted TEXT, got nothing"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "--json=3"}), 2, "[--json] wanted no value"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "--seed=", "-n", "3"}), 2, "[--seed]"));
  EXPECT_TRUE(is_one_line_error(xlstm({}), 2, "wanted a command"));
  EXPECT_TRUE(is_one_line_error(xlstm({"genrate"}), 2, "did you mean generate?"));
  EXPECT_TRUE(is_one_line_error(xlstm({"frobnicate"}), 2, "see xlstm --help"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "Once upon"}), 2,
                                "\"Once upon\"; did you mean --prompt \"Once upon\"?"));
  EXPECT_TRUE(
      is_one_line_error(xlstm({"perplexity", "a.txt"}), 2, "did you mean --file \"a.txt\"?"));
  EXPECT_TRUE(is_one_line_error(xlstm({"info", "./m"}), 2, "did you mean --model \"./m\"?"));
  EXPECT_TRUE(
      is_one_line_error(xlstm({"generate", "-p", "a", "--prompt-file", "b"}), 2, "got both"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "--interactive", "--json"}), 2, "--json"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "--prompt", "", "--no-bos"}), 2, "prompt"));
  EXPECT_TRUE(is_one_line_error(xlstm({"completion"}), 2, "bash, zsh or fish"));
  EXPECT_TRUE(is_one_line_error(xlstm({"completion", "tcsh"}), 2, "bash, zsh, fish"));
  EXPECT_TRUE(is_one_line_error(xlstm({"wiring", "--format", "jsn"}), 2, "did you mean json?"));
}

TEST_F(BadOption, OptionsThatWouldDoNothingSaySo) {
  EXPECT_TRUE(is_one_line_error(
      xlstm({"convert", "a", "b", "--quantize", "4", "--calibration-tokens", "300"}), 2,
      "[--calibration-tokens] wanted --calibrate FILE with it, got none"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "a", "--wiring-style", "ascii"}), 2,
                                "[--wiring-style] wanted --show-wiring with it, got none"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "a", "--group-size", "32"}), 2,
                                "[--group-size] wanted --quantize BITS with it"));

  const std::string quantised = file("quantised").string();
  ASSERT_EQ(xlstm({"convert", "classics-8m", quantised, "--quantize", "8"}).code, 0);
  const Result result =
      xlstm({"generate", "-p", "The", "-n", "1", "--model", quantised, "--quantize", "4"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, ::testing::HasSubstr("xlstm: quantising changes nothing in quantised"));
  const Result first = xlstm({"generate", "-p", "The", "-n", "1", "--quantize", "4"});
  EXPECT_THAT(first.err, ::testing::HasSubstr("xlstm: quantising once; a copy of "));
  EXPECT_EQ(xlstm({"generate", "-p", "The", "-n", "1", "--quantize", "4"}).err, "");
  EXPECT_EQ(
      xlstm({"generate", "-p", "The", "-n", "1", "--quantize", "8", "--no-quantized-copy"}).err,
      "");
}

TEST_F(BadOption, AModelThatIsNotThereIsLookedForInTheHubsCache) {
  const RunOptions offline{
      .environment = {{"HF_HUB_OFFLINE", "1"}, {"HF_HUB_CACHE", file("hub").string()}}};
  EXPECT_TRUE(is_one_line_error(
      xlstm({"generate", "-p", "a", "--model", "NX-AI/xLSTM-7b"}, offline), 5,
      "[NX-AI/xLSTM-7b] wanted a model folder, got nothing there; and as a repository: "));
}

TEST_F(BadOption, AGitLfsPointerIsCalledOne) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 17085056\n";
  for (const std::string name : {"model-00001-of-00002.safetensors", "tokenizer.json"}) {
    const auto folder = model_without({name});
    std::ofstream(folder / name) << pointer;
    const Result result = xlstm({"generate", "-p", "a", "--model", folder.string()});
    EXPECT_TRUE(is_one_line_error(result, 3, name + "] wanted the file itself, got a Git LFS"));
    std::filesystem::remove_all(folder);
  }
}

TEST_F(BadOption, EmptyFileNamesAreNotStandardInput) {
  EXPECT_TRUE(is_one_line_error(xlstm({"tokenize", "--file", ""}), 2, "[--file]"));
  EXPECT_TRUE(is_one_line_error(xlstm({"tokenize", "--tokenizer="}), 2, "[--tokenizer]"));
  EXPECT_TRUE(is_one_line_error(xlstm({"perplexity", "--file="}), 2, "[--file]"));
  EXPECT_TRUE(is_one_line_error(xlstm({"wiring", "-m", ""}), 2, "[--model]"));
  EXPECT_TRUE(is_one_line_error(xlstm({"tokenize", "--jsonl", "--file", "a"}), 2, "[--jsonl]"));
}

TEST_F(BadOption, AWrongEnvironmentIsAnErrorOfEveryCommand) {
  struct Wrong {
    std::string name, value, wanted;
  };
  for (const Wrong& wrong :
       {Wrong{"XLSTM_THREADS", "abc", "a whole number"}, Wrong{"XLSTM_SIMD", "fast", ""}}) {
    const std::map<std::string, std::string> environment = {{wrong.name, wrong.value}};
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
             {"generate"},
             {"chat"},
             {"info"},
             {"wiring"},
             {"tokenize"},
             {"detokenize"},
             {"perplexity"},
             {"bench"},
             {"doctor"},
             {"completion", "bash"},
             {"convert", "classics-8m", file("none").string(), "--quantize", "4"}}) {
      const Result result = xlstm(command, {.input = "The", .environment = environment});
      EXPECT_TRUE(is_one_line_error(result, 2, "[" + wrong.name + "] wanted " + wrong.wanted))
          << command[0];
    }
    EXPECT_EQ(xlstm({"--help"}, {.environment = environment}).code, 0);
  }
}

TEST_F(BadOption, AWrongWordForTheInstructionsIsToldTheRightOnes) {
  const Result result = xlstm({"doctor"}, {.environment = {{"XLSTM_SIMD", "fast"}}});
  EXPECT_THAT(result.err, ::testing::EndsWith(" or native, got \"fast\"\n"));
  const Result text = xlstm({"doctor"}, {.environment = {{"XLSTM_SIMD", "native"}}});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, ::testing::Not(HasSubstr("XLSTM_SIMD")));
}

TEST_F(BadOption, PromptsThatAreNotUtf8AreRefused) {
  const std::string path = write("latin1.txt", "caf\xe9 au lait").string();
  EXPECT_TRUE(
      is_one_line_error(xlstm({"generate", "--prompt-file", path}), 2, "byte 0xe9 at offset 3"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate"}, {.input = "\xc3"}), 2, "standard input"));
  EXPECT_TRUE(is_one_line_error(xlstm({"tokenize"}, {.input = "\xc3"}), 2, "standard input"));
  EXPECT_TRUE(is_one_line_error(xlstm({"perplexity"}, {.input = "a\x80"}), 2, "standard input"));
  EXPECT_TRUE(
      is_one_line_error(xlstm({"generate", "--prompt-file", file("none").string()}), 3, "none"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "--prompt-file", folder_.string()}), 3,
                                folder_.string()));
}

using BadModel = CommandLine;

TEST_F(BadModel, EveryCommandThatTakesOneSaysSo) {
  for (const char* name : {"generate", "chat", "info", "wiring", "perplexity"}) {
    const Result result = xlstm({name, "--model", file("none/such").string()}, {.input = "The"});
    EXPECT_TRUE(is_one_line_error(result, 3, "none/such")) << name;
  }
  EXPECT_TRUE(is_one_line_error(xlstm({"info", "--model", "classics-8n"}), 3, "classics-8m"));
  EXPECT_TRUE(
      is_one_line_error(xlstm({"tokenize", "--tokenizer", file("none").string()}), 3, "none"));
}

TEST_F(BadModel, OnlyModelsAreSuggested) {
  fs::create_directory(file("modem"));
  const Result before = xlstm({"info", "--model", file("model").string()});
  EXPECT_TRUE(is_one_line_error(before, 3, "nothing there"));
  EXPECT_THAT(before.err, ::testing::Not(HasSubstr("did you mean")));
  write("modem/config.json", "{}");
  EXPECT_THAT(xlstm({"info", "--model", file("model").string()}).err,
              HasSubstr("did you mean \"" + file("modem").string()));
}

TEST_F(BadModel, AFolderWithoutConfig) {
  const std::string model = model_without({"config.json"}).string();
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-m", model, "-p", "The"}), 3, "config.json"));
}

TEST_F(BadModel, AFolderWithoutTokenizer) {
  const std::string model = model_without({"tokenizer.json"}).string();
  EXPECT_TRUE(
      is_one_line_error(xlstm({"generate", "-m", model, "-p", "The"}), 3, "tokenizer.json"));
}

TEST_F(BadModel, ATruncatedShard) {
  const std::string shard = "model-00001-of-00002.safetensors";
  const fs::path model = model_without({shard});
  const std::string bytes = content_of(embedded_model() / shard);
  write("model/" + shard, bytes.substr(0, bytes.size() - 1));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-m", model.string(), "-p", "The"}), 3, shard));
}

TEST_F(BadModel, AMissingShard) {
  const std::string shard = "model-00002-of-00002.safetensors";
  const std::string model = model_without({shard}).string();
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-m", model, "-p", "The"}), 3, shard));
}

TEST_F(BadModel, AnIndexThatLeavesTheFolder) {
  const fs::path model = model_without({"model.safetensors.index.json"});
  std::string index = content_of(embedded_model() / "model.safetensors.index.json");
  const std::string shard = "\"model-00001-of-00002.safetensors\"";
  index.replace(index.find(shard), shard.size(), "\"../outside.safetensors\"");
  write("model/model.safetensors.index.json", index);
  const Result result = xlstm({"generate", "-m", model.string(), "-p", "The"});
  EXPECT_TRUE(is_one_line_error(result, 3, "outside.safetensors"));
}

TEST_F(BadModel, AConfigThatDisagreesWithTheWeights) {
  const fs::path model = model_without({"config.json"});
  std::string config = content_of(embedded_model() / "config.json");
  const std::string heads = "\"num_heads\": 4";
  config.replace(config.find(heads), heads.size(), "\"num_heads\": 3");
  write("model/config.json", config);
  const Result result = xlstm({"wiring", "-m", model.string()});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, HasSubstr("xlstm: ["));  // may be several lines: all faults at once
}

TEST_F(BadModel, AModelThatCannotFitIsRefusedBeforeItIsLoaded) {
  const Result result = xlstm({"generate", "-p", "The", "--memory-limit", "1M"});
  EXPECT_TRUE(is_one_line_error(result, 4, "MiB"));
  EXPECT_EQ(xlstm({"generate", "-p", "The", "-n", "2", "--memory-limit", "1M,4G"}).code, 0);
}

TEST_F(BadOption, AFullDiskBehindStandardOutputIsAnError) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  const Result result = xlstm({"wiring"}, {.out_file = "/dev/full"});
  EXPECT_TRUE(is_one_line_error(result, 3, "standard output"));
}

}  // namespace
}  // namespace xlstm::testing
