// Tables of comma-separated values as RFC 4180 has them, and their kin with semicolons and tabs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xlstm {

// Rows of equally many cells. Blank lines are no rows, but for those of a table of one column,
// where they are empty cells; blank ones at the end are dropped.
struct CsvTable {
  CsvTable() = default;
  CsvTable(CsvTable&&) = default;
  CsvTable& operator=(CsvTable&&) = default;

  std::size_t columns = 0;
  std::vector<std::string_view> cells;  // [rows, columns], of the text or of `unescaped`
  std::vector<std::uint32_t> numbers;   // [rows], each as a person counts it in the file, from 1
  std::deque<std::string> unescaped;    // quoted cells with quotes in them

  std::size_t rows() const { return numbers.size(); }
  std::string_view at(std::size_t row, std::size_t column) const {
    return cells[row * columns + column];
  }
};

// "," or ";" or a tab: the one that splits the first rows alike, into most cells.
char detected_separator(std::string_view text);

// Rows end with "\n", "\r\n" or "\r". The table holds pieces of `text`, which has to outlive it;
// `where` names it in messages. Throws Error(kFormat): rows of unequal length, a quote that is not
// closed, more than kMostCells, more than kMostColumns, a text in UTF-16.
inline constexpr std::size_t kMostCells = 50'000'000;
inline constexpr std::size_t kMostColumns = 100'000;
CsvTable parse_csv(std::string_view text, std::optional<char> separator, const std::string& where);

}  // namespace xlstm
