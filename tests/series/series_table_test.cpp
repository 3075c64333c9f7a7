#include "xlstm/series/series_table.h"

#include <cmath>

#include "tests/support/expect_error.h"
#include "xlstm/series/read_series.h"

namespace xlstm {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

MATCHER(IsNan, "") {
  return std::isnan(arg);
}

std::vector<TimedSeries> read(std::string_view text, const TableOptions& options = {}) {
  return read_series_table(text, options, "t.csv");
}

TEST(SeriesTable, AColumnOfTimesAndOneOfValues) {
  const auto all = read("month,passengers\n1949-01,112\n1949-02,118\n");
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].targets[0].name, "passengers");
  EXPECT_THAT(all[0].targets[0].values, ElementsAre(112, 118));
  ASSERT_TRUE(all[0].times.has_value());
  EXPECT_EQ(all[0].times->text(2), "1949-03");
}

TEST(SeriesTable, ANumberALine) {
  const auto all = read("1\n2\n\n4\n");
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(all[0].targets[0].values, ElementsAre(1, 2, IsNan(), 4));
  EXPECT_FALSE(all[0].times.has_value());
  EXPECT_EQ(all[0].targets[0].name, "");
}

TEST(SeriesTable, HeadersAreFoundOrTold) {
  EXPECT_EQ(read("a,b\n1,2\n")[0].targets[0].name, "a");
  EXPECT_EQ(read("1,2\n3,5\n")[1].targets[0].name, "2");
  EXPECT_THAT(read("1,2\n3,5\n", {.header = true})[1].targets[0].values, ElementsAre(5));
  // What begins as a number does is none, and no name either.
  expect_error(ErrorKind::kFormat, {"[t.csv, row 1, column \"1\"]", "a number", "\"12x\""},
               [] { read("12x\n13\n"); });
}

TEST(SeriesTable, TimesAreFoundByTheirCellsOrName) {
  EXPECT_TRUE(read("x,v\n2020-01-01,1\n2020-01-02,2\n")[0].times.has_value());
  EXPECT_TRUE(read("Year,v\n1871,1120\n1872,1160\n")[0].times.has_value());
  EXPECT_TRUE(read("1871,1120\n1872,1160\n1873,963\n")[0].times.has_value());
  EXPECT_THAT(read("v,w\n1871,1120\n1872,1160\n"), SizeIs(2));
  EXPECT_EQ(read("v,w\n5,1\n7,2\n", {.time = "v"})[0].times->text(2), "9");
}

TEST(SeriesTable, ColumnsOfTimesAreNotForecastUnlessNamed) {
  const std::string irregular = "t,v\n2020-01-01,1\n2020-01-05,2\n2020-01-06,3\n";
  const auto all = read(irregular, {.time = "none"});
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(all[0].targets[0].values, ElementsAre(1, 2, 3));
  EXPECT_FALSE(all[0].times.has_value());
  const std::string years = "Year,v\n1871,1120\n1872,1160\n";
  EXPECT_EQ(read(years, {.time = "none"})[0].targets[0].name, "v");
  EXPECT_EQ(read(years, {.time = "none", .columns = {"Year"}})[0].targets[0].name, "Year");
  EXPECT_THAT(read("from,to,v\n2020-01,2020-02,1\n2020-02,2020-03,2\n"), SizeIs(1));
}

TEST(SeriesTable, DatesOfDigitsAloneInAColumnOfTimes) {
  const auto months = read("month,v\n202010,1\n202011,2\n202012,3\n202101,4\n");
  EXPECT_THAT(months[0].targets[0].values, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(months[0].times->text(4), "202102");
  const auto days = read("date,v\n20200130,1\n20200131,2\n20200201,3\n");
  EXPECT_THAT(days[0].targets[0].values, ElementsAre(1, 2, 3));
  EXPECT_EQ(days[0].times->text(3), "20200202");
  EXPECT_EQ(read("t,v\n20200131,1\n20200201,2\n", {.time = "t"})[0].times->text(2), "20200202");
  // Elsewhere they are numbers: counts, weeks, what no calendar has.
  EXPECT_EQ(read("step,v\n202011,1\n202012,2\n")[0].times->text(2), "202013");
  EXPECT_EQ(read("time,v\n20200130,1\n20200131,2\n20200132,3\n")[0].times->text(3), "20200133");
  EXPECT_THAT(read("a,b\n20200131,1\n20200201,2\n"), SizeIs(2));
}

TEST(SeriesTable, ADataFramesIndexIsTime) {
  const auto all = read(",v\n0,5\n1,6\n2,7\n");
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_EQ(all[0].targets[0].name, "v");
  EXPECT_EQ(all[0].times->text(3), "3");
  EXPECT_THAT(read(",v\n0,5\n1,6\n3,7\n"), SizeIs(2));
  EXPECT_THAT(read("k,v\n0,5\n1,6\n2,7\n"), SizeIs(2));
}

TEST(SeriesTable, TimesThatAreBrokenAreNamedByTheirRow) {
  const auto refused = [](const std::string& text, const std::vector<std::string>& pieces) {
    expect_error(ErrorKind::kFormat, pieces, [&] { read(text); });
  };
  refused("t,v\n2020-01-01,1\n2020-01-02,2\n2020-01-3x,3\n",
          {"[t.csv, row 4, column \"t\"]", "a time, as row 2 has", "\"2020-01-3x\""});
  refused("year,v\n1871,1\n,2\n1873,3\n",
          {"[t.csv, row 3, column \"year\"]", "a time, as row 2 has", "an empty cell"});
  refused("year,v\n,1\n1872,2\n", {"[t.csv, row 2, column \"year\"]", "as row 3 has"});
}

TEST(SeriesTable, NamesAreFoundAboveWhatIsWrong) {
  const auto refused = [](const std::string& text, const std::vector<std::string>& pieces) {
    expect_error(ErrorKind::kFormat, pieces, [&] { read(text); });
  };
  refused("t;v\n01.02.2020;1,5\n", {"row 2, column \"t\"", "\"01.02.2020\""});
  refused("v\n5%\n1\n", {"row 2, column \"v\"", "\"5%\""});
  refused("v\ninf\n1\n", {"row 2, column \"v\"", "\"inf\""});
  // A first row of values stays one.
  EXPECT_THAT(read("north,NA\nnorth,5\n", {.id = "1"})[0].targets[0].values,
              ElementsAre(IsNan(), 5));
  EXPECT_EQ(read("id,2m_temperature\na,5\n", {.id = "id"})[0].targets[0].name, "2m_temperature");
}

TEST(SeriesTable, ANameThatSeveralColumnsHaveIsRefused) {
  expect_error(ErrorKind::kUsage, {"[t.csv]", "\"a\", which several have"},
               [] { read("a,a\n1,2\n", {.columns = {"a"}}); });
  EXPECT_THAT(read("a,a\n1,2\n", {.columns = {"2"}})[0].targets[0].values, ElementsAre(2));
}

TEST(SeriesTable, GapsAreMissingValues) {
  const auto all = read("month,v\n2020-01,1\n2020-02,2\n2020-04,4\n2020-05,NA\n");
  EXPECT_THAT(all[0].targets[0].values, ElementsAre(1, 2, IsNan(), 4, IsNan()));
}

TEST(SeriesTable, ColumnsByNameOrNumber) {
  const std::string text = "t,a,b,c\n1,2,3,4\n2,3,4,5\n";
  const auto all = read(text, {.columns = {"c", "2"}});
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].targets[0].name, "c");
  EXPECT_EQ(all[1].targets[0].name, "a");
  expect_error(ErrorKind::kUsage, {"[t.csv]", "\"t, a, b, c\"", "\"d\""},
               [&] { read(text, {.columns = {"d"}}); });
  expect_error(ErrorKind::kUsage, {"each column once", "\"a\" twice"},
               [&] { read(text, {.columns = {"a"}, .past = {"a"}}); });
  EXPECT_THAT(read(text, {.columns = {"a", "b"}, .multivariate = true})[0].targets, SizeIs(2));
}

TEST(SeriesTable, ManySeriesUnderEachOther) {
  const auto all = read(
      "shop,day,v\na,2020-01-01,1\nb,2020-03-01,5\na,2020-01-02,2\nb,2020-03-03,7\n"
      "b,2020-03-05,9\n",
      {.id = "shop"});
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].id, "a");
  EXPECT_THAT(all[0].targets[0].values, ElementsAre(1, 2));
  EXPECT_EQ(all[1].where, "t.csv, id \"b\"");
  EXPECT_THAT(all[1].targets[0].values, ElementsAre(5, 7, 9));
  EXPECT_EQ(all[1].times->text(3), "2020-03-07");
  expect_error(ErrorKind::kFormat, {"[t.csv, row 3, column \"shop\"]", "an id"},
               [] { read("shop,v\na,1\n,2\n", {.id = "shop"}); });
}

TEST(SeriesTable, ShortSeriesHaveTheStepOfTheOthers) {
  const auto all = read(
      "id,d,v\na,2020-01-01,1\na,2020-02-01,2\na,2020-03-01,3\nb,2020-03-01,4\n"
      "c,2020-01-01,5\nc,2020-03-01,6\nd,2020-01-01,7\nd,2020-01-09,8\n",
      {.id = "id"});
  ASSERT_THAT(all, SizeIs(4));
  EXPECT_EQ(all[1].times->text(1), "2020-04-01");
  EXPECT_THAT(all[2].targets[0].values, ElementsAre(5, IsNan(), 6));
  EXPECT_EQ(all[2].times->text(3), "2020-04-01");
  EXPECT_THAT(all[3].targets[0].values, ElementsAre(7, 8));  // that does not fit: its own
  EXPECT_EQ(all[3].times->text(2), "2020-01-17");
  const auto ends = read("id,d,v\na,2019-12-31,1\na,2020-01-31,2\nb,2020-02-29,3\n", {.id = "id"});
  EXPECT_EQ(ends[1].times->text(1), "2020-03-31");
}

TEST(SeriesTable, RowsBehindTheLastTargetAreTheFutureOfKnownCovariates) {
  const auto all =
      read("v,price,past\n1,10,5\n2,20,6\n,30,\nNaN,40,\n", {.past = {"past"}, .known = {"price"}});
  ASSERT_THAT(all, SizeIs(1));
  EXPECT_THAT(all[0].targets[0].values, ElementsAre(1, 2));
  EXPECT_THAT(all[0].past[0].values, ElementsAre(5, 6));
  EXPECT_THAT(all[0].known[0].values, ElementsAre(10, 20, 30, 40));
  // Without them they are values that are missing.
  EXPECT_THAT(read("v,w\n1,1\n,1\n", {.columns = {"v"}})[0].targets[0].values,
              ElementsAre(1, IsNan()));
}

TEST(SeriesTable, BadCellsAreNamedByRowAndColumn) {
  expect_error(ErrorKind::kFormat, {"[t.csv, row 3, column \"b\"]", "wanted a number", "\"x7\""},
               [] { read("a,b\n1,2\n3,x7\n"); });
  expect_error(ErrorKind::kFormat, {"[t.csv, row 3, column \"day\"]", "a time", "\"soon\""},
               [] { read("day,b\n2020-01-01,2\nsoon,3\n", {.time = "day"}); });
  expect_error(ErrorKind::kFormat, {"[t.csv, row 3, column \"day\"]", "a time after 2020-01-02"},
               [] { read("day,b\n2020-01-02,2\n2020-01-01,3\n"); });
  expect_error(ErrorKind::kFormat, {"[t.csv, row 3, column \"day\"]", "again"},
               [] { read("day,b\n2020-01-02,2\n2020-01-02,3\n"); });
}

TEST(SeriesTable, TablesWithoutRowsAreRefused) {
  expect_error(ErrorKind::kFormat, {"[t.csv]", "an empty"}, [] { read(""); });
  expect_error(ErrorKind::kFormat, {"[t.csv]", "a row of names alone"}, [] { read("a,b\n"); });
  expect_error(ErrorKind::kUsage, {"[t.csv]", "a column to forecast"},
               [] { read("day,shop\n2020-01-01,a\n2020-01-02,a\n", {.id = "shop"}); });
}

TEST(SeriesTable, OneColumnOfTimesIsWhatIsForecast) {
  EXPECT_THAT(read("year\n1871\n1873\n")[0].targets[0].values, ElementsAre(1871, 1873));
}

TEST(SeriesTable, TheSeriesThatCameWithTheTests) {
  const auto lines = [](const std::string& first, const std::string& second) {
    return read("x,v\n" + first + ",1\n" + second + ",2\n")[0].times->text(2);
  };
  EXPECT_EQ(lines("1958-03-29", "1958-04-05"), "1958-04-12");
  EXPECT_EQ(lines("1959-Q1", "1959-Q2"), "1959-Q3");
}

TEST(ReadSeries, TakesTablesAndJson) {
  EXPECT_THAT(read_series(" \n[1, 2]", {}, "t")[0].targets[0].values, ElementsAre(1, 2));
  EXPECT_THAT(read_series("1\n2\n", {}, "t")[0].targets[0].values, ElementsAre(1, 2));
  expect_error(ErrorKind::kUsage, {"[t]", "a table", "JSON"},
               [] { read_series("[1, 2]", {.id = "a"}, "t"); });
}

}  // namespace
}  // namespace xlstm
