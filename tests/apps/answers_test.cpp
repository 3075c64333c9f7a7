// Several answers, their probabilities, what an answer may be, and many texts at once.
#include <cmath>
#include <regex>

#include "tests/apps/command_line.h"
#include "xlstm/base/json.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class Answers : public CommandLine {
 protected:
  // The JSON objects that `xlstm generate` writes, one a line.
  std::vector<Json> generate(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"generate", "--json"});
    const Result result = xlstm(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    std::vector<Json> lines;
    for (std::size_t at = 0; at < result.out.size();) {
      const std::size_t end = result.out.find('\n', at);
      lines.push_back(Json::parse(result.out.substr(at, end - at)));
      at = end + 1;
    }
    return lines;
  }
};

TEST_F(Answers, AreThoseOfTheirSeedsAlone) {
  // Penalties count the prompt, which only the first answer reads.
  const std::vector<std::string> common = {"-p",  "The king", "-n", "12", "--repetition-penalty",
                                           "1.3", "--top-k",  "50"};
  std::vector<std::string> several = common;
  several.insert(several.end(), {"--n", "4", "--seed", "5"});
  const std::vector<Json> all = generate(several);
  ASSERT_THAT(all, SizeIs(4));
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<std::string> one = common;
    one.insert(one.end(), {"--seed", std::to_string(5 + i)});
    const Json alone = generate(one).front();
    EXPECT_EQ(all[i]["index"], i);
    EXPECT_EQ(all[i]["seed"], 5 + i);
    EXPECT_EQ(all[i]["tokens"], alone["tokens"]);
    EXPECT_EQ(all[i]["text"], alone["text"]);
  }
}

TEST_F(Answers, AreHeadedByTheirSeedsAsText) {
  const Result result = xlstm({"generate", "-p", "A", "-n", "3", "--n", "2", "--seed", "9"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, ::testing::StartsWith("--- 1 of 2, seed 9\n"));
  EXPECT_THAT(result.out, HasSubstr("\n--- 2 of 2, seed 10\n"));
}

TEST_F(Answers, TheBestHasTheHighestMeanLogProbability) {
  const std::vector<std::string> common = {"-p", "It was", "-n", "10", "--seed", "3"};
  std::vector<std::string> all_of = common, best_of = common, two_of = common;
  all_of.insert(all_of.end(), {"--n", "6", "--logprobs", "0"});
  best_of.insert(best_of.end(), {"--best-of", "6"});
  two_of.insert(two_of.end(), {"--best-of", "6", "--n", "2"});
  std::vector<Json> all = generate(all_of);
  ASSERT_THAT(all, SizeIs(6));
  std::sort(all.begin(), all.end(), [](const Json& a, const Json& b) {
    return a["mean_log_probability"] > b["mean_log_probability"];
  });
  const std::vector<Json> best = generate(best_of), two = generate(two_of);
  ASSERT_THAT(best, SizeIs(1));
  ASSERT_THAT(two, SizeIs(2));
  EXPECT_EQ(best[0]["tokens"], all[0]["tokens"]);
  EXPECT_EQ(two[0]["tokens"], all[0]["tokens"]);
  EXPECT_EQ(two[1]["tokens"], all[1]["tokens"]);
}

TEST_F(Answers, LogProbabilitiesOfEachTokenAndTheLikeliest) {
  const Json answer =
      generate({"-p", "Once upon", "-n", "4", "--temperature", "0", "--logprobs", "3"}).front();
  ASSERT_THAT(answer["log_probabilities"], SizeIs(4));
  double sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const Json& token = answer["log_probabilities"][i];
    ASSERT_THAT(token["top"], SizeIs(3));
    EXPECT_EQ(token["id"], answer["tokens"][i]);
    EXPECT_EQ(token["id"], token["top"][0]["id"]);  // greedy
    EXPECT_EQ(token["log_probability"], token["top"][0]["log_probability"]);
    EXPECT_LE(token["log_probability"].get<double>(), 0);
    sum += token["log_probability"].get<double>();
  }
  EXPECT_DOUBLE_EQ(answer["mean_log_probability"].get<double>(), sum / 4);
}

TEST_F(Answers, AreWhatAPatternMatches) {
  const std::string pattern = " (one|two) [a-z]{3,8}, 1[0-9]{3}\\.";
  for (const Json& answer :
       generate({"-p", "I saw", "--n", "5", "--seed", "1", "--regex", pattern})) {
    EXPECT_TRUE(std::regex_match(answer["text"].get<std::string>(), std::regex(pattern)));
    EXPECT_EQ(answer["stop_reason"], "complete");
  }
}

TEST_F(Answers, AreJsonOfASchema) {
  const auto schema = write("schema.json", R"({"type": "object", "properties": {
      "name": {"enum": ["Ann", "Bob"]}, "old": {"type": "boolean"}}, "required": ["name", "old"]})");
  for (const Json& answer : generate({"-p", "Tell:", "-n", "200", "--n", "3", "--seed", "2",
                                      "--json-schema", schema.string()})) {
    const Json value = Json::parse(answer["text"].get<std::string>());
    EXPECT_TRUE(value["name"] == "Ann" || value["name"] == "Bob");
    EXPECT_TRUE(value["old"].is_boolean());
    EXPECT_EQ(answer["stop_reason"], "complete");
  }
}

TEST_F(Answers, JsonOutputBeginsAnObject) {
  const Json answer = generate({"-p", "Tell:", "--json-output", "-n", "30", "--seed", "4"}).front();
  const std::string text = answer["text"].get<std::string>();
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(text[first], '{');
}

TEST_F(Answers, WrongOptionsAreTold) {
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "A", "--n", "0"}), 2, "[--n]"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "A", "--n", "3", "--best-of", "2"}), 2,
                                "[--best-of]"));
  EXPECT_TRUE(is_one_line_error(
      xlstm({"generate", "-p", "A", "--n", "2", "--save-state", file("a.state").string()}), 2,
      "[--save-state]"));
  EXPECT_TRUE(
      is_one_line_error(xlstm({"generate", "-p", "A", "--n", "2", "-n", "0"}), 2, "--max-tokens"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "A", "--logprobs", "2"}), 2, "--json"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "A", "--regex", "(a"}), 2, "regular"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "-p", "A", "--regex", "a", "--json-output"}), 2,
                                "one of --regex"));
  EXPECT_TRUE(is_one_line_error(
      xlstm({"generate", "-p", "A", "--json-schema", file("none").string()}), 3, "none"));
  EXPECT_TRUE(is_one_line_error(xlstm({"generate", "--interactive", "--n", "2"}), 2, "--n"));
}

TEST_F(Answers, TheBestOnesStateIsSaved) {
  const std::string state = file("best.state").string();
  const std::vector<std::string> common = {"generate", "-p", "It was", "-n", "8", "--seed", "3"};
  std::vector<std::string> saving = common;
  saving.insert(saving.end(), {"--best-of", "3", "--save-state", state});
  const Result best = xlstm(saving);
  EXPECT_EQ(best.code, 0) << best.err;
  const Result next = xlstm({"generate", "--load-state", state, "-n", "5", "--temperature", "0"});
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_FALSE(next.out.empty());
}

TEST_F(Answers, PerplexityOfManyTextsIsThatOfEach) {
  const std::string a = write("a.txt", "It was a dark and stormy night. The wind was high.")
                            .string(),
                    b = write("b.txt", "Alice was not a bit hurt, and she jumped up.").string(),
                    c = write("c.txt", "Oz").string();
  const auto value = [&](const std::vector<std::string>& files) {
    std::vector<std::string> arguments = {"perplexity", "--json"};
    for (const std::string& each : files) arguments.insert(arguments.end(), {"--file", each});
    std::vector<Json> lines;
    const Result result = xlstm(arguments);
    EXPECT_EQ(result.code, 0) << result.err;
    for (std::size_t at = 0; at < result.out.size();) {
      const std::size_t end = result.out.find('\n', at);
      lines.push_back(Json::parse(result.out.substr(at, end - at)));
      at = end + 1;
    }
    return lines;
  };
  const std::vector<Json> all = value({a, b, c});
  ASSERT_THAT(all, SizeIs(4));
  double nll = 0;
  int tokens = 0;
  const std::vector<std::string> files = {a, b, c};
  for (std::size_t i = 0; i < 3; ++i) {
    const Json alone = value({files[i]}).front();
    EXPECT_EQ(all[i]["text"], files[i]);
    EXPECT_EQ(all[i]["tokens"], alone["tokens"]);
    // Rows of other numbers of tokens go by other kernels: float32 rounding.
    EXPECT_NEAR(all[i]["mean_nll"].get<double>(), alone["mean_nll"].get<double>(), 1e-4);
    nll += alone["mean_nll"].get<double>() * alone["tokens"].get<int>();
    tokens += alone["tokens"].get<int>();
  }
  EXPECT_EQ(all[3]["tokens"], tokens);
  EXPECT_EQ(all[3]["texts"], 3);
  EXPECT_NEAR(all[3]["mean_nll"].get<double>(), nll / tokens, 1e-4);
}

TEST_F(Answers, PerplexityOfLines) {
  const std::string text = write("lines.txt", "One line.\n\nAnother, longer line.\r\n").string();
  const Result result = xlstm({"perplexity", "--json", "--lines", "--file", text});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("lines.txt:1"));
  EXPECT_THAT(result.out, HasSubstr("lines.txt:3"));
  EXPECT_THAT(result.out, HasSubstr("\"texts\":2"));
  const Result none =
      xlstm({"perplexity", "--lines", "--file", write("empty.txt", "\n\n").string()});
  EXPECT_TRUE(is_one_line_error(none, 2, "at least one line"));
}

}  // namespace
}  // namespace xlstm::testing
