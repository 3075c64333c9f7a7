#include <nlohmann/json.hpp>

#include "command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

using Bench = CommandLine;

const std::vector<std::string> kQuick = {"bench",     "--synthetic", "tiny",      "--steps", "3",
                                         "--repeats", "1",           "--prefill", "70"};

std::vector<std::string> quick(std::vector<std::string> more) {
  more.insert(more.begin(), kQuick.begin(), kQuick.end());
  return more;
}

TEST_F(Bench, NumbersAgreeWithEachOther) {
  const auto csv = file("figures.csv");
  const Result result =
      xlstm(quick({"--json", "--batch", "1,3", "--positions", "5,70", "--csv", csv.string()}));
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["model"], "synthetic-tiny");
  ASSERT_EQ(json["figures"].size(), 5U);
  for (const Json& figure : json["figures"]) {
    const double rate = figure["tokens_per_second"], call = figure["seconds_per_call"];
    const bool decode = figure["kind"] == "decode";
    const double tokens = decode ? figure["batch"].get<double>() : figure["length"].get<double>();
    EXPECT_NEAR(rate, tokens / call, 1e-6 * rate);
    EXPECT_LE(figure["slowest"], rate);
    EXPECT_GE(figure["fastest"], rate);
    EXPECT_GT(figure["nodes"], 0);
    const double gbs = figure["bytes_per_call"].get<double>() / call * 1e-9;
    EXPECT_NEAR(figure["bandwidth_share"].get<double>(),
                gbs / figure["machine"]["read_gb_per_second"].get<double>(), 1e-6);
    EXPECT_GT(figure["machine"]["float32_gflops"], 0);
  }
  EXPECT_EQ(json["figures"][1]["position"], 70);
  EXPECT_EQ(json["figures"][2]["state_bytes"], 3 * json["figures"][0]["state_bytes"].get<int>());
  const std::string lines = read_file(csv);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 6);
}

TEST_F(Bench, PrintsATableAndAProfile) {
  const Result result = xlstm(quick({"--profile", "--quantize", "4", "--group-size", "32"}));
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* part : {"tokens/s", "decode B1 at 100", "prefill 70", "qkvo", "mlstm cell"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
}

TEST_F(Bench, ComparesTwoRuns) {
  const auto a = write("a.json", xlstm(quick({"--json"})).out).string();
  const Result same = xlstm({"bench", "--compare", a, "--compare", a});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_THAT(same.out, HasSubstr("1.000x"));
  EXPECT_THAT(same.out, HasSubstr("prefill 70"));
  const auto wrong = write("wrong.json", "{\"figures\": 3}").string();
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--compare", a, "--compare", wrong}), 3,
                                "a file of 'xlstm bench --json'"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--compare", a}), 2, "two files"));
  EXPECT_TRUE(
      is_one_line_error(xlstm({"bench", "--compare", a, "--compare", "/none.json"}), 3, "/none"));
}

TEST_F(Bench, RefusesWhatMakesNoSense) {
  EXPECT_EQ(xlstm({"bench", "--synthetic", "9b"}).code, 2);
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--batch", "1,x"}), 2, "--batch"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--batch", "-1"}), 2, "--batch"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--positions", ""}), 2, "--positions"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--steps", "1"}), 2, "--steps"));
  EXPECT_TRUE(is_one_line_error(
      xlstm({"bench", "--synthetic", "tiny", "--model", embedded_model().string()}), 2,
      "--synthetic"));
}

}  // namespace
}  // namespace xlstm::testing
