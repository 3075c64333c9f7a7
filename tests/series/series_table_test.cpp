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
  EXPECT_THAT(read("Year,v\n1871,1120\n1872,1160\n", {.time = "none"}), SizeIs(2));
  EXPECT_EQ(read("v,w\n5,1\n7,2\n", {.time = "v"})[0].times->text(2), "9");
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
