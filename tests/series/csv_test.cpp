#include "xlstm/series/csv.h"

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> cells_of(const CsvTable& table) {
  return {table.cells.begin(), table.cells.end()};
}

TEST(Csv, EveryLineEndAndSeparator) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    for (const char separator : {',', ';', '\t'}) {
      std::string text = "a?b" + end + "1?2" + end + "?4";
      std::replace(text.begin(), text.end(), '?', separator);
      for (const std::string& last : {std::string(), end, end + end}) {
        const std::string whole = text + last;
        const CsvTable table = parse_csv(whole, {}, "t");
        EXPECT_EQ(table.columns, 2U);
        EXPECT_THAT(cells_of(table), ElementsAre("a", "b", "1", "2", "", "4"));
        EXPECT_THAT(table.numbers, ElementsAre(1U, 2U, 3U));
      }
    }
  }
}

TEST(Csv, QuotedCells) {
  const CsvTable table = parse_csv("\"a,b\",\"c\"\"d\"\n\"two\nlines\",\"\"\n", ',', "t");
  EXPECT_THAT(cells_of(table), ElementsAre("a,b", "c\"d", "two\nlines", ""));
}

TEST(Csv, AMarkOfUtf8IsNoText) {
  EXPECT_THAT(cells_of(parse_csv("\xEF\xBB\xBFx\n1\n", {}, "t")), ElementsAre("x", "1"));
  expect_error(ErrorKind::kFormat, {"[t]", "UTF-16"},
               [] { parse_csv(std::string("\xFF\xFEx\0", 4), {}, "t"); });
}

TEST(Csv, BlankLinesAreEmptyCellsOfOneColumnAlone) {
  EXPECT_THAT(cells_of(parse_csv("\n1\n\n3\n\n\n", {}, "t")), ElementsAre("1", "", "3"));
  const CsvTable two = parse_csv("1,2\n\n3,4\n\n", {}, "t");
  EXPECT_THAT(cells_of(two), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(two.numbers, ElementsAre(1U, 3U));
}

TEST(Csv, TheSeparatorIsTheOneThatSplitsRowsAlike) {
  EXPECT_EQ(detected_separator("a;b\n1,5;2,5\n"), ';');
  EXPECT_EQ(detected_separator("a,b\n1,2\n"), ',');
  EXPECT_EQ(detected_separator("1\n2\n"), ',');
  EXPECT_EQ(detected_separator("a b\tc\n1 2\t3\n"), '\t');
  EXPECT_EQ(detected_separator("\"a;b\",c\n1,2\n"), ',');
}

TEST(Csv, RowsOfUnequalLengthAreNamed) {
  expect_error(ErrorKind::kFormat, {"[t, row 3]", "wanted 2 cells, as row 1 has", "got 3"},
               [] { parse_csv("a,b\n1,2\n1,2,3\n", ',', "t"); });
}

TEST(Csv, BrokenQuotesAreNamed) {
  expect_error(ErrorKind::kFormat, {"[t, row 2]", "a quote that closes"},
               [] { parse_csv("a,b\n\"1,2\n", ',', "t"); });
  expect_error(ErrorKind::kFormat, {"[t, row 1]", "behind its quote", "\"x\""},
               [] { parse_csv("\"a\"x,b\n", ',', "t"); });
}

TEST(Csv, TooManyColumnsAreRefused) {
  const std::string commas(kMostColumns, ',');
  expect_error(ErrorKind::kFormat, {"[t, row 1]", "at most 100000 cells"},
               [&] { parse_csv(commas, ',', "t"); });
}

TEST(Csv, AnEmptyTextHasNoRows) {
  for (const char* text : {"", "\n", "\r\n\r\n"}) EXPECT_EQ(parse_csv(text, {}, "t").rows(), 0U);
}

}  // namespace
}  // namespace xlstm
