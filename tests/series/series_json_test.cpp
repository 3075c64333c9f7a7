#include "xlstm/series/series_json.h"

#include <cmath>

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

MATCHER(IsNan, "") {
  return std::isnan(arg);
}

std::vector<TimedSeries> read(std::string_view text) {
  return read_series_json(text, "t");
}

TEST(SeriesJson, ASeriesALine) {
  const auto all = read("[1, 2.5, null]\n\n{\"id\": \"a\", \"target\": [3]}\n");
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_THAT(all[0].targets[0].values, ElementsAre(1, 2.5, IsNan()));
  EXPECT_EQ(all[1].id, "a");
}

TEST(SeriesJson, TheWholeTextAsOneValue) {
  EXPECT_THAT(read("[1,\n 2]\n")[0].targets[0].values, ElementsAre(1, 2));
  EXPECT_THAT(read("{\"target\":\n [1]}")[0].targets[0].values, ElementsAre(1));
  const auto many = read("[{\"target\": [1]},\n {\"target\": [2], \"id\": 7}]");
  ASSERT_THAT(many, SizeIs(2));
  EXPECT_EQ(many[1].id, "7");
}

TEST(SeriesJson, TargetsCovariatesAndTimes) {
  const TimedSeries series = read(
      "{\"target\": [[1, 2], [3, 4]], \"past\": [5, 6], \"known\": {\"price\": [7, 8, 9]}, "
      "\"start\": \"2020-01-31\", \"step\": \"month\"}")[0];
  ASSERT_THAT(series.targets, SizeIs(2));
  EXPECT_THAT(series.targets[1].values, ElementsAre(3, 4));
  EXPECT_THAT(series.past[0].values, ElementsAre(5, 6));
  EXPECT_EQ(series.known[0].name, "price");
  EXPECT_EQ(series.times->text(1), "2020-02-29");
  EXPECT_EQ(read("{\"target\": [1], \"start\": 1871}")[0].times->text(2), "1873");
  EXPECT_EQ(read("{\"target\": [1], \"start\": \"10\", \"step\": 5}")[0].times->text(1), "15");
  EXPECT_EQ(read("{\"target\": [1], \"start\": \"2020-01-01 00:00\", \"step\": \"15min\"}")[0]
                .times->text(5),
            "2020-01-01 01:15");
}

TEST(SeriesJson, StepsFinerThanTheirStartAreShown) {
  const auto next = [](const std::string& start, const std::string& step) {
    const auto all = read("{\"target\": [1], \"start\": " + start + ", \"step\": " + step + "}");
    return all[0].times->text(0) + " " + all[0].times->text(1);
  };
  EXPECT_EQ(next("\"2020-01-31\"", "\"h\""), "2020-01-31T00:00 2020-01-31T01:00");
  EXPECT_EQ(next("\"2020/01/31\"", "\"15min\""), "2020/01/31T00:00 2020/01/31T00:15");
  EXPECT_EQ(next("\"2020-01-31\"", "\"15s\""), "2020-01-31T00:00:00 2020-01-31T00:00:15");
  EXPECT_EQ(next("\"2020-01-31 12:00\"", "\"30s\""), "2020-01-31 12:00:00 2020-01-31 12:00:30");
  EXPECT_EQ(next("\"2020-Q1\"", "\"D\""), "2020-01-01 2020-01-02");
  EXPECT_EQ(next("\"2020Q2\"", "\"month\""), "2020-04 2020-05");
  EXPECT_EQ(next("\"2020Q2\"", "\"year\""), "2020Q2 2021Q2");
  EXPECT_EQ(next("\"2020-01\"", "\"D\""), "2020-01-01 2020-01-02");
  EXPECT_EQ(next("\"2020-01\"", "\"2 weeks\""), "2020-01-01 2020-01-15");
  EXPECT_EQ(next("\"2020-W05\"", "\"week\""), "2020-W05 2020-W06");
  EXPECT_EQ(next("\"2020-W05\"", "\"B\""), "2020-01-27 2020-01-28");
  EXPECT_EQ(next("1", "0.5"), "1.0 1.5");
  EXPECT_EQ(next("\"0.25\"", "0.1"), "0.25 0.35");
  expect_error(ErrorKind::kFormat, {"[t, step]", "days or weeks", "\"month\""},
               [&] { next("\"2020-W05\"", "\"month\""); });
}

TEST(SeriesJson, StepsAsDataFramesWriteThem) {
  const auto second = [](const std::string& start, const std::string& step) {
    return read("{\"target\": [1], \"start\": \"" + start + "\", \"step\": \"" + step + "\"}")[0]
        .times->text(1);
  };
  for (const char* step : {"M", "ME"}) EXPECT_EQ(second("2020-02-29", step), "2020-03-31");
  for (const char* step : {"Q", "QE", "QE-DEC", "Q-MAR"}) {
    EXPECT_EQ(second("2020-06-30", step), "2020-09-30") << step;
  }
  for (const char* step : {"Y", "YE", "YE-FEB"})
    EXPECT_EQ(second("2019-02-28", step), "2020-02-29");
  EXPECT_EQ(second("2020-02-01", "MS"), "2020-03-01");
  EXPECT_EQ(second("2020-02-01", "QS-NOV"), "2020-05-01");
  EXPECT_EQ(second("2020-02-01", "YS"), "2021-02-01");
  EXPECT_EQ(second("2020-02-02", "W-SUN"), "2020-02-09");
  EXPECT_EQ(second("2020-02-29", "month"), "2020-03-29");
  EXPECT_EQ(second("2020-02-29T00:00", "2H"), "2020-02-29T02:00");
}

TEST(SeriesJson, WhatIsWrongIsNamedWithItsLine) {
  const auto refused = [](const std::string& second, const std::vector<std::string>& pieces) {
    expect_error(ErrorKind::kFormat, pieces, [&] { read("[1]\n" + second + "\n"); });
  };
  refused("[1, \"x\"]", {"[t, line 2]", "numbers", "a string: \"x\""});
  refused("[1e39]", {"line 2", "float32"});
  refused("[[1]]", {"line 2", "numbers"});
  refused("7", {"line 2", "an object with a target"});
  refused("{\"targets\": [1]}", {"line 2", "\"targets\""});
  refused("{\"id\": \"a\"}", {"line 2", "a target", "none"});
  refused("{\"target\": [[1, 2], [3]]}", {"line 2, target 2", "2 values", "got 1"});
  refused("{\"target\": [1, 2], \"past\": [3]}", {"line 2, past 1", "2 values", "got 1"});
  refused("{\"target\": [1, 2], \"known\": [3]}", {"line 2, known 1", "at least 2 values"});
  refused("{\"target\": [1], \"start\": \"soon\"}", {"line 2, start", "a time"});
  refused("{\"target\": [1], \"step\": \"day\"}", {"line 2", "start beside step"});
  refused("{\"target\": [1], \"start\": \"2020-01\", \"step\": \"fortnight\"}",
          {"line 2, step", "a step", "fortnight"});
  refused("{\"target\": [1], \"start\": 5, \"step\": 0}", {"line 2, step", "a number above 0"});
  refused("{\"target\": [1]", {"line 2"});
}

}  // namespace
}  // namespace xlstm
