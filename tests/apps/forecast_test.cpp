#include <signal.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/apps/command_line.h"

namespace xlstm::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Json = nlohmann::json;

class ForecastCommand : public CommandLine {
 protected:
  static std::string passengers() { return XLSTM_TEST_DATA "/series/air-passengers.csv"; }
  Result forecast(std::vector<std::string> arguments, RunOptions options = {}) const {
    arguments.insert(arguments.begin(), "forecast");
    return xlstm(std::move(arguments), std::move(options));
  }
  std::string content_of(const std::string& name) const {
    std::ifstream in(file(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// Columns of a line without quotes.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) out.push_back(cell);
  return out;
}

TEST_F(ForecastCommand, WritesQuantilesOfTheMonthsThatFollow) {
  const Result result = forecast({passengers(), "--horizon", "14"});
  EXPECT_EQ(result.code, 0) << result.err;
  const auto lines = lines_of(result.out);
  ASSERT_THAT(lines, SizeIs(15));
  EXPECT_EQ(lines[0], "id,target,time,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9");
  EXPECT_THAT(lines[1], StartsWith(",passengers,1961-01,"));
  EXPECT_THAT(lines[14], StartsWith(",passengers,1962-02,"));
  // July is the summit of every year of this series, and higher than the last value, 432.
  const double july = std::stod(cells_of(lines[7])[7]),
               november = std::stod(cells_of(lines[11])[7]);
  EXPECT_GT(july, november);
  EXPECT_GT(july, 450);
  EXPECT_LT(july, 900);
}

TEST_F(ForecastCommand, PlotsAsSvg) {
  const Result result = forecast({"--plot", file("f.svg").string(), passengers()});
  EXPECT_EQ(result.code, 0) << result.err;
  const std::string svg = content_of("f.svg");
  EXPECT_THAT(svg, StartsWith("<svg "));
  EXPECT_THAT(svg, HasSubstr(">passengers</text>"));
  EXPECT_THAT(svg, HasSubstr(">10-90%</text>"));
  EXPECT_THAT(lines_of(result.out), SizeIs(33));
}

TEST_F(ForecastCommand, SketchesAsText) {
  const Result result = forecast({"--sketch", passengers()}, {.environment = {{"LC_ALL", "C"}}});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, StartsWith("passengers\n"));
  for (const char* ink : {"*", "+", ".", ":"}) EXPECT_THAT(result.out, HasSubstr(ink));
  const Result unicode =
      forecast({"--sketch", passengers()}, {.environment = {{"LC_ALL", "C.UTF-8"}}});
  EXPECT_THAT(unicode.out, HasSubstr("\u2591"));
}

TEST_F(ForecastCommand, EveryFormatHasTheSameNumbers) {
  const auto run_as = [&](const std::string& format) {
    return forecast({passengers(), "-n", "3", "--quantiles", "0.1,0.5,0.9", "--format", format})
        .out;
  };
  const auto row = cells_of(lines_of(run_as("csv"))[1]);
  const Json line = Json::parse(run_as("jsonl"));
  const Json array = Json::parse(run_as("json"));
  ASSERT_THAT(array, SizeIs(1));
  EXPECT_EQ(array[0], line);
  EXPECT_EQ(line["target"], "passengers");
  EXPECT_EQ(line["times"], Json({"1961-01", "1961-02", "1961-03"}));
  EXPECT_EQ(line["quantiles"]["0.5"][0].dump(), row[4]);
  EXPECT_EQ(line["quantiles"].size(), 3U);
  const std::string table = run_as("table");
  EXPECT_THAT(table, StartsWith("passengers\ntime "));
  EXPECT_THAT(table, HasSubstr("\n1961-01  "));
}

TEST_F(ForecastCommand, WritesToAFileWhole) {
  const std::string to = file("next.jsonl").string();
  const Result result = forecast({passengers(), "-n", "2", "-o", to});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_EQ(Json::parse(content_of("next.jsonl"))["times"].size(), 2U);
  EXPECT_TRUE(
      is_one_line_error(forecast({passengers(), "-o", file("no/f.csv").string()}), 3, "no/f.csv"));
}

TEST_F(ForecastCommand, ManySeriesOfATableAreThoseOfTheirOwn) {
  std::string wide = "a,b\n", under = "id,v\n", one;
  for (int i = 0; i < 40; ++i) {
    const std::string a = std::to_string(10 + i % 7), b = std::to_string(100 - i);
    wide += a + "," + b + "\n";
    under += "a," + a + "\nb," + b + "\n";
    one += (i == 0 ? "[" : ", ") + b;
  }
  const std::vector<std::string> options = {"-n", "5", "-"};
  auto with_id = options;
  with_id.insert(with_id.end(), {"--id", "id"});
  const auto quantiles = [](const std::string& line) {
    std::string out;
    const auto cells = cells_of(line);
    for (std::size_t i = 2; i < cells.size(); ++i) out += cells[i] + ",";
    return out;
  };
  const auto columns = lines_of(forecast(options, {.input = wide}).out);
  const auto ids = lines_of(forecast(with_id, {.input = under}).out);
  const auto alone = lines_of(forecast(options, {.input = one + "]"}).out);
  ASSERT_THAT(columns, SizeIs(11));
  ASSERT_THAT(ids, SizeIs(11));
  ASSERT_THAT(alone, SizeIs(6));
  EXPECT_THAT(columns[6], StartsWith(",b,1,"));
  EXPECT_THAT(ids[6], StartsWith("b,v,1,"));
  for (std::size_t i = 1; i < 11; ++i) EXPECT_EQ(quantiles(columns[i]), quantiles(ids[i]));
  for (std::size_t i = 1; i < 6; ++i) EXPECT_EQ(quantiles(columns[5 + i]), quantiles(alone[i]));
}

TEST_F(ForecastCommand, SeveralFilesAreToldApart) {
  const std::string a = write("a.csv", "1\n2\n3\n").string(), b = write("b.csv", "3\n2\n").string();
  const auto lines = lines_of(forecast({a, b, "-n", "1"}).out);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[1], StartsWith(a + ","));
  EXPECT_THAT(lines[2], StartsWith(b + ","));
}

TEST_F(ForecastCommand, EmbedsASeries) {
  const Result result = forecast({"--embed"}, {.input = "[1, 2, 3, 4]"});
  EXPECT_EQ(result.code, 0) << result.err;
  const Json embedding = Json::parse(result.out)["embedding"];
  ASSERT_THAT(embedding, SizeIs(1));  // tokens
  EXPECT_GT(embedding[0].size(), 1U);
  EXPECT_GT(embedding[0][0].size(), 1U);
}

TEST_F(ForecastCommand, WrongInputIsOneLine) {
  struct Bad {
    std::string input;
    std::vector<std::string> options;
    int code;
    std::string containing;
  };
  const Bad cases[] = {
      {"", {}, 3, "an empty one"},
      {"a,b\n", {}, 3, "a row of names alone"},
      {"[]", {}, 2, "an empty one"},
      {"v\nNA\nNA\n",
       {},
       2,
       "column \"v\"] wanted a value that is not missing, got none in 2 rows"},
      {"a,b\n1,2\n3,x7\n", {}, 3, "row 3, column \"b\"] wanted a number, got \"x7\""},
      {"t,v\n2020-02,1\n2020-01,2\n", {}, 3, "row 3, column \"t\"] wanted a time after 2020-02"},
      {"1\n2\n", {"--horizon", "0"}, 2, "[--horizon]"},
      {"1\n2\n", {"--horizon", "2049"}, 2, "at most 2048 steps"},
      {"1\n2\n", {"--flip-sign", "on"}, 2, "family tirex-2, whose option this is"},
      {"v,p\n1,1\n2,2\n", {"--known", "p"}, 2, "no known covariate: tides-1m reads none"},
      {"v,p\n1,1\n2,2\n", {"--past", "p"}, 2, "no past covariate: tides-1m reads none"},
      {"a,b\n1,1\n2,2\n", {"--multivariate"}, 2, "one target a series"},
      {"a,b\n1,1\n2,2\n", {"--columns", "c"}, 2, "a column of the table"},
      {"[1, \"x\"]", {}, 3, "a string: \"x\""},
      {"[1]", {"--id", "x"}, 2, "a table"},
      {"1\n", {"--quantiles", "0.9,0.1"}, 2, "[--quantiles]"},
      {"1\n", {"--quantiles", "1"}, 2, "[--quantiles]"},
      {"1\n", {"--follow", "--sketch"}, 2, "[--follow]"},
      {"1\n", {"--state", "x"}, 2, "[--state]"},
      {"1\n", {"--history", "9"}, 2, "[--history]"},
      {"1\n", {"--model", "classics-8m"}, 3, "a forecaster"},
      {"1\n2\n", {"--output", "-"}, 2, "[--output]"},
      {"v\n1\n2\n", {"--horizon", "2049"}, 2, "[standard input, column \"v\"] wanted a horizon"},
      {"1\n2\n", {"--difference-trends", "on"}, 2, "[--difference-trends]"},
      {"1\n2\n", {"--follow", "--flip-sign", "on"}, 2, "[--flip-sign]"},
      {"t,v\n9997-10,1\n9997-11,2\n", {}, 2, "[standard input] wanted times that end before"},
      {"1\n", {"--embed", "-n", "3"}, 2, "[--embed] wanted no --horizon"},
      {"1\n", {"--embed", "--quantiles", "0.5"}, 2, "[--embed] wanted no --quantiles"},
      {"1\n", {"--follow", "--batch", "3"}, 2, "[--follow] wanted no --batch"},
      {"1\n", {"-", "-"}, 2, "[FILE] wanted each file once, got \"-\" twice"},
      {"1\n", {"--plot", "x.svg", "-o", "./x.svg"}, 2, "[--plot] wanted another file"},
  };
  for (const Bad& bad : cases) {
    EXPECT_TRUE(
        is_one_line_error(forecast(bad.options, {.input = bad.input}), bad.code, bad.containing))
        << bad.input;
  }
  EXPECT_TRUE(is_one_line_error(forecast({file("none.csv").string()}), 3, "none.csv"));
  EXPECT_TRUE(is_one_line_error(forecast({folder_.string()}), 3, "cannot be read"));
}

TEST_F(ForecastCommand, AClosedPipeEndsIt) {
  Process process(command({"forecast", passengers(), "-n", "2000"}), Process::Streams::kPipes);
  process.close_output();
  EXPECT_EQ(process.wait(), 0);
}

TEST_F(ForecastCommand, FollowsALineAtATime) {
  Process process(command({"forecast", "--follow", "-n", "2"}), Process::Streams::kPipes);
  process.write("month,v\n2020-01,1\n");
  process.read_until("\n");
  process.write("2020-02,2\n");
  const auto lines = lines_of(process.read_until("\n"));
  ASSERT_THAT(lines, SizeIs(2));
  const Json first = Json::parse(lines[0]), second = Json::parse(lines[1]);
  EXPECT_EQ(first["position"], 1);
  EXPECT_EQ(first["after"], "2020-01");
  EXPECT_EQ(second["position"], 2);
  EXPECT_EQ(second["times"], Json({"2020-03", "2020-04"}));
  process.close_input();
  EXPECT_EQ(process.wait(), 0);
}

TEST_F(ForecastCommand, FollowingEndsWhereAllAtOnceDoes) {
  const std::string input = "5\n7\nNA\n6\n8\n7\n";
  const auto whole = lines_of(forecast({"-n", "3"}, {.input = input}).out);
  const auto lines =
      lines_of(forecast({"--follow", "-n", "3", "--format", "csv"}, {.input = input}).out);
  ASSERT_THAT(lines, SizeIs(1 + 6 * 3));
  ASSERT_THAT(whole, SizeIs(4));
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(lines[lines.size() - 4 + i].substr(1), whole[i]);  // but for the position, 6
  }
}

TEST_F(ForecastCommand, GapsOfAStreamAreMissingRows) {
  const auto last = [&](const std::string& input) {
    return Json::parse(lines_of(forecast({"--follow", "-n", "2"}, {.input = input}).out).back());
  };
  const Json gap = last("d,v\n2020-01-01,1\n2020-01-02,2\n2020-01-05,3\n");
  const Json given =
      last("d,v\n2020-01-01,1\n2020-01-02,2\n2020-01-03,\n2020-01-04,\n2020-01-05,3\n");
  EXPECT_EQ(gap["position"], 5);
  EXPECT_EQ(gap, given);
}

TEST_F(ForecastCommand, AStreamGoesOnFromItsState) {
  const std::string state = file("s.state").string();
  const std::vector<std::string> options = {"--follow", "--state", state, "-n", "2"};
  EXPECT_EQ(forecast(options, {.input = "1\n2\n3\n"}).code, 0);
  const Result rest = forecast(options, {.input = "4\n5\n"});
  EXPECT_EQ(rest.code, 0) << rest.err;
  const auto whole = lines_of(forecast({"--follow", "-n", "2"}, {.input = "1\n2\n3\n4\n5\n"}).out);
  EXPECT_EQ(lines_of(rest.out).back(), whole.back());
  EXPECT_TRUE(is_one_line_error(
      forecast({"--follow", "--state", write("bad", "no state").string()}, {.input = "1\n"}), 3,
      "bad"));
}

TEST_F(ForecastCommand, AStateKnowsItsColumnsAndTimes) {
  const std::string state = file("s.state").string();
  const auto follow = [&](const std::string& input, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--follow", "--state", state, "-n", "2"});
    return forecast(more, {.input = input});
  };
  EXPECT_EQ(follow("month;a;b\n2020-01;1;5\n2020-02;2;5\n", {"--columns", "a"}).code, 0);
  // The last rows again, without their names.
  const Result nothing = follow("2020-01;1;5\n2020-02;2;5\n", {"--columns", "a"});
  EXPECT_EQ(nothing.code, 0) << nothing.err;
  EXPECT_THAT(nothing.out, IsEmpty());
  EXPECT_THAT(nothing.err, HasSubstr("2 rows were skipped"));
  // All of the table again, with a row and a gap behind them.
  const Result more =
      follow("month;a;b\n2020-01;1;5\n2020-02;2;5\n2020-04;4;5\n", {"--columns", "a"});
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_THAT(more.err, HasSubstr("2 rows were skipped"));
  const Json whole = Json::parse(
      lines_of(forecast({"--follow", "-n", "2", "--columns", "a"},
                        {.input = "month,a\n2020-01,1\n2020-02,2\n2020-03,\n2020-04,4\n"})
                   .out)
          .back());
  EXPECT_EQ(Json::parse(more.out), whole);
  EXPECT_EQ(whole["target"], "a");
  EXPECT_EQ(whole["after"], "2020-04");
  EXPECT_TRUE(is_one_line_error(follow("2020-05;1;5\n", {"--columns", "b"}), 2,
                                "the columns of the state, \"a\", got \"b\""));
  EXPECT_TRUE(is_one_line_error(follow("7\n"), 3, "3 cells, as the state's rows have"));
  EXPECT_TRUE(is_one_line_error(follow("2020-05-01;1;5\n", {"--columns", "a"}), 3, "a month"));
  // What was refused changed nothing.
  const Result next = follow("2020-05;5;5\n", {"--columns", "a"});
  EXPECT_EQ(Json::parse(next.out)["position"], 5);
  EXPECT_EQ(Json::parse(next.out)["times"], Json({"2020-06", "2020-07"}));
}

TEST_F(ForecastCommand, ADamagedMemoryOfRowsIsRefused) {
  const std::string state = file("s.state").string();
  const std::vector<std::string> options = {"--follow", "--state", state, "-n", "1"};
  EXPECT_EQ(forecast(options, {.input = "month,v\n2020-01,1\n"}).code, 0);
  std::string content = content_of("s.state");
  const std::size_t at = content.find("2020-01");
  ASSERT_NE(at, std::string::npos);
  content[at + 6] = '2';
  write("s.state", content);
  EXPECT_TRUE(is_one_line_error(forecast(options, {.input = "2020-02,1\n"}), 3, "is damaged"));
}

TEST_F(ForecastCommand, BlankLinesOfAStreamAreThoseOfATable) {
  const auto last = [&](const std::string& input) {
    const Result result = forecast({"--follow", "-n", "1"}, {.input = input});
    return Json::parse(lines_of(result.out).back());
  };
  EXPECT_EQ(last("\nv\n1\n\n\n3\n\n"), last("v\n1\nNA\nNA\n3\n"));
  EXPECT_EQ(last("a,b\n2020-01,1\n\n2020-02,2\n")["position"], 2);
}

TEST_F(ForecastCommand, DatesOfDigitsAndTimesToIgnoreOfAStream) {
  const auto last = [&](const std::string& input, std::vector<std::string> options) {
    options.insert(options.end(), {"--follow", "-n", "1"});
    return Json::parse(lines_of(forecast(options, {.input = input}).out).back());
  };
  const Json dates = last("date,x\n20200131,1\n20200201,2\n", {});
  EXPECT_EQ(dates["position"], 2);
  EXPECT_EQ(dates["times"], Json({"20200202"}));
  const Json none = last("t,v\n2020-01-01,1\n2020-01-05,2\n2020-01-06,3\n", {"--time", "none"});
  EXPECT_EQ(none["position"], 3);
  EXPECT_EQ(none["target"], "v");
}

TEST_F(ForecastCommand, JsonRowsOfAStream) {
  const std::string model = XLSTM_TEST_DATA "/golden/tirex2-covariates";
  const auto run = [&](const std::string& input, std::vector<std::string> options) {
    options.insert(options.end(), {"--follow", "-n", "1", "--model", model});
    return forecast(options, {.input = input});
  };
  const Result past = run("[1, 7]\n[2, 8]\n", {"--past", "2"});
  EXPECT_EQ(past.code, 0) << past.err;
  EXPECT_THAT(lines_of(past.out), SizeIs(2));
  const Result table = run("1,7\n2,8\n", {"--past", "2"});
  EXPECT_EQ(Json::parse(lines_of(past.out).back())["quantiles"],
            Json::parse(lines_of(table.out).back())["quantiles"]);
  EXPECT_TRUE(is_one_line_error(run("[1]\n", {"--past", "2"}), 3, "more than 1 values"));
  EXPECT_TRUE(is_one_line_error(run("[1, 2]\n", {"--columns", "1"}), 2, "a table"));
  EXPECT_TRUE(is_one_line_error(run("[1, 2]\n", {"--time", "1"}), 2, "a table"));
  EXPECT_TRUE(is_one_line_error(run("{\"target\": 1}\n", {}), 3, "a JSON array of numbers"));
  for (const char* line : {"null", "5"}) {
    const Result mixed = run(std::string("[1]\n") + line + "\n", {});
    EXPECT_EQ(mixed.code, 3);
    EXPECT_THAT(mixed.err, HasSubstr("line 2] wanted a JSON array, as the lines before, got"));
  }
}

TEST_F(ForecastCommand, AnInterruptSavesTheState) {
  const std::string state = file("s.state").string();
  Process process(command({"forecast", "--follow", "--state", state, "-n", "1"}),
                  Process::Streams::kPipes);
  process.write("1\n2\n");
  process.read_until("\"position\":2");
  process.send(SIGINT);
  EXPECT_EQ(process.wait(), 130);
  const Result rest = forecast({"--follow", "--state", state, "-n", "1"}, {.input = "3\n"});
  EXPECT_EQ(Json::parse(rest.out)["position"], 3);
}

TEST_F(ForecastCommand, WrongRowsOfAStreamAreNamedAndTheRestIsKept) {
  const std::string state = file("s.state").string();
  const Result bad =
      forecast({"--follow", "--state", state, "-n", "1"}, {.input = "a,b\n1,2\n3,x\n"});
  EXPECT_EQ(bad.code, 2);  // two columns of one model that takes one
  const Result cell = forecast({"--follow", "--state", state, "-n", "1"}, {.input = "v\n1\nx\n"});
  EXPECT_EQ(cell.code, 3);
  EXPECT_THAT(cell.err,
              HasSubstr("[standard input, line 3, column \"v\"] wanted a number, got \"x\""));
  EXPECT_EQ(
      Json::parse(
          forecast({"--follow", "--state", state, "-n", "1"}, {.input = "2\n"}).out)["position"],
      2);
}

}  // namespace
}  // namespace xlstm::testing
