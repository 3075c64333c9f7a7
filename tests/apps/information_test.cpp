// info, wiring, perplexity, doctor, completion, help: commands that tell rather than write.
#include <nlohmann/json.hpp>

#include "tests/apps/command_line.h"
#include "xlstm/apps/command.h"
#include "xlstm/apps/completion_scripts.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Json = nlohmann::json;

using Information = CommandLine;

TEST_F(Information, InfoTellsSizesAndMemory) {
  const Result text = xlstm({"info"});
  EXPECT_EQ(text.code, 0) << text.err;
  for (const char* part :
       {"classics-8m", "parameters", "vocabulary   4096", "needs", "available", "resident"}) {
    EXPECT_THAT(text.out, HasSubstr(part));
  }
  const Json json = Json::parse(xlstm({"info", "--json"}).out);
  EXPECT_EQ(json["L"], 8);
  EXPECT_EQ(json["tokenizer"]["eos_id"], 0);
  EXPECT_EQ(json["tokenizer"]["end_tokens"], Json::parse(R"([{"id":0,"text":"<|endoftext|>"}])"));
  EXPECT_GT(json["memory"]["physical"], json["memory"]["estimate"]);
  const Json four = Json::parse(xlstm({"info", "--json", "--batch", "4"}).out);
  const std::uint64_t state = json["state_bytes"].get<std::uint64_t>();
  EXPECT_GE(four["memory"]["estimate"].get<std::uint64_t>(),
            json["memory"]["estimate"].get<std::uint64_t>() + 3 * state);
}

TEST_F(Information, InfoSaysWhetherItFitsAsGenerateDoes) {
  for (const char* limit : {"10M", "1G"}) {
    const int code = xlstm({"generate", "-p", "The", "-n", "1", "--memory-limit", limit}).code;
    const Json json = Json::parse(xlstm({"info", "--json", "--memory-limit", limit}).out);
    EXPECT_EQ(json["memory"]["fits"], code == 0) << limit;
    EXPECT_THAT(xlstm({"info", "--memory-limit", limit}).out,
                HasSubstr(code == 0 ? "left of the limit of 1 GiB: it fits"
                                    : "10 MiB left of the limit of 10 MiB: it does not fit"));
  }
}

TEST_F(Information, InfoListsTheEndTokensOfAllFiles) {
  const std::filesystem::path model = model_without({"generation_config.json"});
  write("model/generation_config.json", R"({"eos_token_id": [0, 1]})");
  EXPECT_THAT(xlstm({"info", "--model", model.string()}).out,
              HasSubstr("end tokens   0 \"<|endoftext|>\", 1 \"<|padding|>\"\n"));
  const Json json = Json::parse(xlstm({"info", "--json", "--model", model.string()}).out);
  EXPECT_EQ(json["tokenizer"]["end_tokens"][1]["id"], 1);
  EXPECT_EQ(json["tokenizer"]["end_tokens"][1]["text"], "<|padding|>");
}

TEST_F(Information, InfoMeasuresALoadedModel) {
  const Json json = Json::parse(xlstm({"info", "--json", "--load", "--dtype", "float32"}).out);
  const auto weights = 4 * json["parameters"].get<std::uint64_t>();
  EXPECT_GE(json["memory"]["active"].get<std::uint64_t>(), weights);
  EXPECT_LE(json["memory"]["active"], json["memory"]["estimate"]);
}

TEST_F(Information, WiringHasFourFormats) {
  const Result tree = xlstm({"wiring"});
  EXPECT_EQ(tree.code, 0) << tree.err;
  EXPECT_THAT(tree.out, HasSubstr("\xE2\x94"));
  EXPECT_EQ(xlstm({"wiring", "--format", "tree"}).out, tree.out);
  const std::string ascii = xlstm({"wiring", "--format", "ascii"}).out;
  EXPECT_THAT(ascii, HasSubstr("lm_head"));
  EXPECT_TRUE(std::ranges::all_of(ascii, [](unsigned char c) { return c < 128; }));
  EXPECT_THAT(xlstm({"wiring", "--format", "dot"}).out, StartsWith("digraph"));
  const Json json = Json::parse(xlstm({"wiring", "--format", "json"}).out);
  EXPECT_TRUE(json.is_object());
}

TEST_F(Information, WiringNeedsNoWeightsToBeSound) {
  const std::string large =
      (std::filesystem::path(XLSTM_TEST_DATA) / "golden" / "large-plain").string();
  EXPECT_EQ(xlstm({"wiring", "--model", large}).code, 0);
  EXPECT_THAT(xlstm({"info", "--model", large}).out, HasSubstr("none in the folder"));
}

TEST_F(Information, PerplexityOfAText) {
  const std::string text =
      content_of(std::filesystem::path(XLSTM_TEST_DATA) / "books" / "alice.txt").substr(0, 4000);
  const std::string path = write("text.txt", text).string();
  const Result result = xlstm({"perplexity", "--file", path, "--json"});
  ASSERT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
  const Json json = Json::parse(result.out);
  const std::string ids = xlstm({"tokenize", "--file", path}).out;
  EXPECT_EQ(json["tokens"], std::ranges::count(ids, ' ') + 1);
  // A model that knew nothing would have 4096, one that had the text by heart 1.
  EXPECT_GT(json["perplexity"], 5);
  EXPECT_LT(json["perplexity"], 60);
  EXPECT_NEAR(std::log(json["perplexity"].get<double>()), json["mean_nll"].get<double>(), 1e-9);
  EXPECT_GT(json["standard_error"], 0);
  EXPECT_THAT(xlstm({"perplexity"}, {.input = text}).out, HasSubstr("perplexity"));
  EXPECT_TRUE(is_one_line_error(xlstm({"perplexity"}, {.input = ""}), 2, "at least one token"));
  // One token has a likelihood, but no spread.
  EXPECT_THAT(xlstm({"perplexity"}, {.input = "a"}).out, HasSubstr("error        unknown"));
  EXPECT_TRUE(
      Json::parse(xlstm({"perplexity", "--json"}, {.input = "a"}).out)["standard_error"].is_null());
}

TEST_F(Information, DoctorTestsTheOps) {
  const Result text = xlstm({"doctor", "--device", "cpu"});
  EXPECT_EQ(text.code, 0) << text.err;
  for (const char* part :
       {"xlstm ", "MLX", "system", "device", "SIMD", "threads", "machine", "ok "}) {
    EXPECT_THAT(text.out, HasSubstr(part));
  }
  const Json json = Json::parse(xlstm({"doctor", "--json", "--threads", "1"}).out);
  EXPECT_EQ(json["threads"], 1);
  for (const char* key : {"version", "mlx_version", "system"}) {
    EXPECT_FALSE(json[key].get<std::string>().empty()) << key;
  }
  EXPECT_FALSE(json["self_test"].empty());
  for (const Json& check : json["self_test"]) EXPECT_TRUE(check["ok"]) << check;
}

TEST_F(Information, DoctorNamesTf32OnlyWhereProductsAreRoundedToIt) {
  const RunOptions wanted = {.environment = {{"MLX_ENABLE_TF32", "1"}}};
  const Json cpu = Json::parse(xlstm({"doctor", "--json", "--device", "cpu"}, wanted).out);
  EXPECT_EQ(cpu["tf32"], false);
  EXPECT_THAT(xlstm({"doctor", "--device", "cpu"}, wanted).out, ::testing::Not(HasSubstr("TF32")));
}

TEST_F(Information, DoctorTellsTheInstructionsInUseAndTheirLimit) {
  const Json all =
      Json::parse(xlstm({"doctor", "--json"}, {.environment = {{"XLSTM_SIMD", ""}}}).out);
  EXPECT_EQ(all["simd_cap"], "");
  const auto classes = all["simd"].get<std::vector<std::string>>();
  ASSERT_FALSE(classes.empty());
  // Each is a word for XLSTM_SIMD, and what it leaves is itself and what is below.
  for (std::size_t at = 0; at < classes.size(); ++at) {
    const std::map<std::string, std::string> limited = {{"XLSTM_SIMD", classes[at]}};
    const Result result = xlstm({"doctor", "--json"}, {.environment = limited});
    EXPECT_EQ(result.code, 0) << result.err;
    const Json json = Json::parse(result.out);
    EXPECT_EQ(json["simd_cap"], classes[at]);
    EXPECT_EQ(
        json["simd"].get<std::vector<std::string>>(),
        std::vector<std::string>(classes.begin() + static_cast<std::ptrdiff_t>(at), classes.end()));
    const Result text = xlstm({"doctor"}, {.environment = limited});
    EXPECT_THAT(text.out, HasSubstr("(XLSTM_SIMD: at most " + classes[at] + ")\n"));
  }
}

TEST_F(Information, VersionNamesMlxToo) {
  EXPECT_THAT(xlstm({"--version"}).out,
              ::testing::MatchesRegex("xlstm [0-9.]+ \\(MLX [0-9.]+.*\\)\n"));
}

TEST_F(Information, HelpOfEveryCommandShowsItsOptionsAndExamples) {
  const Result all = xlstm({"--help"});
  EXPECT_EQ(all.code, 0);
  for (const apps::Command& command : apps::all_commands()) {
    EXPECT_THAT(all.out, HasSubstr("  " + command.name));
    const Result own = xlstm({command.name, "--help"});
    EXPECT_EQ(own.code, 0);
    EXPECT_THAT(own.err, IsEmpty());
    EXPECT_THAT(own.out, HasSubstr("Examples:\n"));
    for (const auto& group : command.groups) {
      for (const auto& option : group.options) EXPECT_THAT(own.out, HasSubstr(option.name));
    }
  }
}

TEST_F(Information, HelpIsACommandToo) {
  EXPECT_EQ(xlstm({"help"}).out, xlstm({"--help"}).out);
  EXPECT_EQ(xlstm({"help", "chat"}).out, xlstm({"chat", "--help"}).out);
  EXPECT_THAT(xlstm({"help", "help"}).out, HasSubstr("xlstm help [COMMAND]"));
  EXPECT_TRUE(is_one_line_error(xlstm({"help", "genrate"}), 2, "did you mean generate?"));
}

// "command --option" for every option that `text` does not name.
std::vector<std::string> not_named(const std::string& text) {
  std::vector<std::string> missing;
  for (const apps::Command& command : apps::all_commands()) {
    if (text.find(command.name) == std::string::npos) missing.push_back(command.name);
    for (const auto& group : command.groups) {
      for (const auto& option : group.options) {
        if (text.find(option.name) == std::string::npos) {
          missing.push_back(command.name + " " + option.name);
        }
      }
    }
  }
  return missing;
}

TEST_F(Information, TheManualAndTheDocumentNameEveryOption) {
  const std::filesystem::path root = XLSTM_SOURCE_DIR;
  std::string manual = content_of(root / "packaging" / "xlstm.1");
  std::erase(manual, '\\');  // troff writes \-\-option
  EXPECT_THAT(not_named(manual), IsEmpty());
  EXPECT_THAT(not_named(content_of(root / "docs" / "cli.md")), IsEmpty());
}

TEST_F(Information, PackagedCompletionsAreUpToDate) {
  const auto folder = std::filesystem::path(XLSTM_SOURCE_DIR) / "packaging" / "completions";
  const std::pair<const char*, const char*> scripts[] = {
      {"bash", "xlstm.bash"}, {"zsh", "_xlstm"}, {"fish", "xlstm.fish"}};
  for (const auto& [shell, file_name] : scripts) {
    EXPECT_TRUE(xlstm({"completion", shell}).out == content_of(folder / file_name))
        << "make it anew: xlstm completion " << shell << " > packaging/completions/" << file_name;
  }
}

TEST_F(Information, BashCompletes) {
  const std::string script = write("xlstm.bash", xlstm({"completion", "bash"}).out).string();
  const auto complete = [&](const std::string& words, const std::string& last) {
    const std::string line =
        "source " + script + "; COMP_WORDS=(xlstm " + words + " '" + last +
        "'); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _xlstm; echo \"${COMPREPLY[*]}\"";
    return run({"/bin/bash", "-c", line}).out;
  };
  EXPECT_EQ(complete("", "gen"), "generate\n");
  EXPECT_EQ(complete("generate", "--temp"), "--temperature\n");
  EXPECT_EQ(complete("generate --dtype", "bf"), "bfloat16 bf16\n");
  EXPECT_EQ(complete("wiring --format", ""), "tree ascii json dot\n");
  EXPECT_EQ(complete("completion", "z"), "zsh\n");
  const std::string there = write("prompts.jsonl", "").string();
  EXPECT_EQ(complete("batch", there.substr(0, there.size() - 3)), there + "\n");
}

}  // namespace
}  // namespace xlstm::testing
