#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/apps/command_line.h"

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
    EXPECT_EQ(figure["nodes"], 0);  // a CPU has no graph
    EXPECT_EQ(figure["host_seconds"], 0);
    const double gbs = figure["bytes_per_call"].get<double>() / call * 1e-9;
    EXPECT_NEAR(figure["bandwidth_share"].get<double>(),
                gbs / figure["machine"]["read_gb_per_second"].get<double>(), 1e-6);
    EXPECT_GT(figure["machine"]["float32_gflops"], 0);
    EXPECT_FALSE(figure.contains("device"));  // a CPU is the machine
  }
  EXPECT_EQ(json["figures"][1]["position"], 70);
  EXPECT_EQ(json["figures"][2]["state_bytes"], 3 * json["figures"][0]["state_bytes"].get<int>());
  const std::string lines = content_of(csv);
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 6);
}

TEST_F(Bench, TuningSaysWhereNothingIsLeftToChoose) {
  const std::map<std::string, std::string> caches = {{"XDG_CACHE_HOME", file("caches").string()}};
  const Result text = xlstm(quick({"--tune", "--device", "cpu"}), {.environment = caches});
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_EQ(text.out, "nothing to choose on this device (cpu)\n");
  const Result result =
      xlstm(quick({"--tune", "--device", "cpu", "--json"}), {.environment = caches});
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["device"], "cpu");
  EXPECT_TRUE(json["choices"].empty());
  EXPECT_FALSE(std::filesystem::exists(file("caches")));
  EXPECT_TRUE(
      is_one_line_error(xlstm(quick({"--tune", "--csv", file("a.csv").string()})), 2, "--csv"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--synthetic", "tirex-tiny", "--tune"}), 2,
                                "a language model"));
}

TEST_F(Bench, MeasuresForecasters) {
  const auto csv = file("figures.csv");
  const Result result = xlstm({"bench", "--synthetic", "tirex-tiny", "--repeats", "1", "--batch",
                               "1,3", "--json", "--csv", csv.string()});
  ASSERT_EQ(result.code, 0) << result.err;
  const Json json = Json::parse(result.out);
  EXPECT_EQ(json["model"], "synthetic-tirex-tiny");
  EXPECT_EQ(json["context"], 2048);
  EXPECT_EQ(json["patch"], 32);
  ASSERT_EQ(json["figures"].size(), 2U);
  for (const Json& figure : json["figures"]) {
    const double batch = figure["batch"], call = figure["seconds_per_call"];
    EXPECT_EQ(figure["kind"], "forecast");
    EXPECT_EQ(figure["length"], 64);
    EXPECT_NEAR(figure["series_per_second"].get<double>() * call, batch, 1e-6);
    EXPECT_NEAR(figure["tokens_per_second"].get<double>() * call, 64 * batch, 1e-4);
    EXPECT_GT(figure["float32_share"], 0);
  }
  EXPECT_EQ(json["figures"][1]["figure"], "forecast B3");
  EXPECT_EQ(json["figures"][1]["operations_per_call"],
            3 * json["figures"][0]["operations_per_call"].get<double>());
  const auto saved = write("a.json", result.out).string();
  EXPECT_THAT(xlstm({"bench", "--compare", saved, "--compare", saved}).out,
              HasSubstr("forecast B3"));

  // As many cells in each line of the other table as in its head.
  std::istringstream lines(content_of(csv));
  std::string head, line;
  std::getline(lines, head);
  int rows = 0;
  for (; std::getline(lines, line); ++rows) {
    EXPECT_EQ(std::ranges::count(line, ','), std::ranges::count(head, ',')) << line;
    EXPECT_EQ(line.rfind("forecast,", 0), 0U);
  }
  EXPECT_EQ(rows, 2);
}

TEST_F(Bench, PrintsATableOfAForecastersFolder) {
  const auto tides = embedded_model().parent_path() / "tides-1m";
  const Result result =
      xlstm({"bench", "--model", tides.string(), "--repeats", "1", "--batch", "2", "--profile"});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* part : {"tides-1m: ", "forecasts of 32 steps from 2048 values, 64 tokens",
                           "series/s", "tokens/s", "forecast B2 ", "slstm"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
  EXPECT_EQ(result.out.find("decode"), std::string::npos);
}

TEST_F(Bench, RefusesOptionsThatForecastersDoNotTake) {
  for (const std::vector<std::string>& option : std::vector<std::vector<std::string>>{
           {"--positions", "100"}, {"--prefill", "0"}, {"--steps", "8"}, {"--sampler"}}) {
    std::vector<std::string> line = {"bench", "--synthetic", "tirex-tiny"};
    line.insert(line.end(), option.begin(), option.end());
    EXPECT_TRUE(is_one_line_error(
        xlstm(line), 2,
        "[" + option[0] + "] wanted a language model, got synthetic-tirex-tiny, a forecaster"));
  }
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--synthetic", "tirex-tiny", "--batch", "0"}), 2,
                                "[--batch] wanted series to forecast"));
}

TEST_F(Bench, PrintsATableAndAProfile) {
  const Result result = xlstm(quick({"--profile", "--quantize", "4", "--group-size", "32"}));
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* part : {"tokens/s", "decode B1 at 100", "prefill 70", "qkvo", "mlstm_mixer"}) {
    EXPECT_THAT(result.out, HasSubstr(part));
  }
}

TEST_F(Bench, DecodesWithTheSampler) {
  const Result table = xlstm(quick({"--sampler", "--batch", "2", "--profile"}));
  EXPECT_EQ(table.code, 0) << table.err;
  for (const char* part : {"sampled B2 at 100", "temperature 0.8, top-k 50, top-p 0.9, min-p 0.05",
                           "prefill 70", "sample "}) {
    EXPECT_THAT(table.out, HasSubstr(part));
  }
  EXPECT_EQ(table.out.find("decode B"), std::string::npos);
  EXPECT_EQ(table.out.find("argmax"), std::string::npos);
  const auto sampler_of = [&](std::vector<std::string> more) {
    more.push_back("--json");
    const Json json = Json::parse(xlstm(quick(std::move(more))).out);
    EXPECT_EQ(json["figures"][1]["sampler"], false);  // of a prompt
    return json["figures"][0]["sampler"].get<bool>();
  };
  EXPECT_TRUE(sampler_of({"--sampler"}));
  EXPECT_FALSE(sampler_of({}));
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

// A file of --json with one figure, changed.
Json figures_file() {
  return {{"model", "m"},
          {"figures",
           {{{"figure", "decode B1 at 100"},
             {"tokens_per_second", 10.0},
             {"bandwidth_share", 0.5},
             {"machine", {{"read_gb_per_second", 20.0}, {"hand_over_nanoseconds", 100.0}}}}}}};
}

TEST_F(Bench, ShowsForeignNamesSafely) {
  Json json = figures_file();
  json["model"] = "\x1b[2Jm\n";
  json["figures"][0]["figure"] = "\x1b]0;x\x07" + std::string(5000, 'a');
  const auto a = write("a.json", json.dump()).string();
  const Result result = xlstm({"bench", "--compare", a, "--compare", a});
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char bad : {'\x1b', '\x07'}) EXPECT_EQ(result.out.find(bad), std::string::npos);
  EXPECT_THAT(result.out, HasSubstr(R"("\x1b[2Jm\x0a")"));
  EXPECT_THAT(result.out, HasSubstr("1.000x"));
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 4);
  EXPECT_LT(result.out.size(), 1000U);
}

TEST_F(Bench, RefusesForeignFilesInOneLine) {
  const auto good = write("good.json", figures_file().dump()).string();
  const auto refused = [&](const std::string& text, const std::string& why) {
    const auto bad = write("bad.json", text).string();
    EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--compare", good, "--compare", bad}), 3, why));
  };
  const auto changed = [&](const std::string& pointer, const Json& value) {
    Json json = figures_file();
    json[Json::json_pointer(pointer)] = value;
    return json.dump();
  };
  refused("", "bad.json");
  refused("[]", "no object");
  refused("{}", "no list figures");
  refused(std::string(100'000, '['), "bad.json");
  refused(std::string(5 << 20, ' '), "at most 4194304 bytes");
  refused(changed("/model", 7), "no text model");
  refused(changed("/figures", Json::object()), "no list figures");
  refused(changed("/figures/0", "x"), "a figure that is no object");
  refused(changed("/figures/0/figure", nullptr), "no text figure");
  refused(changed("/figures/0/tokens_per_second", "\x1b[31m"), "no number tokens_per_second");
  refused(changed("/figures/0/tokens_per_second", 0), "tokens_per_second of 0");
  refused(changed("/figures/0/tokens_per_second", 1e300), "tokens_per_second of 1e+300");
  refused(changed("/figures/0/bandwidth_share", -1), "bandwidth_share of -1");
  refused(changed("/figures/0/machine", 3), "no object machine");
  refused(changed("/figures/0/machine/hand_over_nanoseconds", Json::array()),
          "no number hand_over_nanoseconds");
  Json twice = figures_file();
  twice["figures"].push_back(twice["figures"][0]);
  refused(twice.dump(), "two figures \"decode B1 at 100\"");
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--compare", good, "--compare", file(".")}), 3,
                                "Is a directory"));
}

TEST_F(Bench, AnInterruptEndsItAtOnceAndLeavesNothing) {
  // A measurement that would take hours.
  Process process(command({"bench", "--synthetic", "tiny", "--steps", "1000000", "--repeats",
                           "1000", "--csv", file("a.csv").string()}),
                  Process::Streams::kPipes);
  process.read_until("tokens/s");  // the table's head
  process.send(SIGINT);
  EXPECT_EQ(process.wait(), 128 + SIGINT);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(Bench, RefusesWhatMakesNoSense) {
  EXPECT_EQ(xlstm({"bench", "--synthetic", "9b"}).code, 2);
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--batch", "1,x"}), 2, "--batch"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--batch", "-1"}), 2, "--batch"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--positions", ""}), 2, "--positions"));
  for (const char* steps : {"0", "1", "-5", "1e3", "99999999999"}) {
    EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--steps", steps}), 2, "--steps"));
  }
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--batch", "2,1,2"}), 2, "each number once"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--batch", "4097"}), 2, "from 1 to 4096"));
  EXPECT_TRUE(
      is_one_line_error(xlstm({"bench", "--positions", "99999999999999"}), 2, "--positions"));
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--prefill", "0", "--positions", "0"}), 2,
                                "something to measure"));
  // Before the model is opened, let alone measured.
  EXPECT_TRUE(is_one_line_error(xlstm({"bench", "--model", "none", "--csv", file("no/such.csv")}),
                                3, "no/such.csv"));
  EXPECT_TRUE(is_one_line_error(
      xlstm({"bench", "--synthetic", "tiny", "--model", embedded_model().string()}), 2,
      "--synthetic"));
}

}  // namespace
}  // namespace xlstm::testing
