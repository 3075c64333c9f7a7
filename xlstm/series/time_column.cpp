#include "xlstm/series/time_column.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "xlstm/base/error.h"
#include "xlstm/base/numbers.h"
#include "xlstm/series/cells.h"

namespace xlstm {
namespace {

std::string in_lower_case(std::string_view name) {
  std::string out;
  for (const char letter : name) {
    out += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return out;
}

// Names of times that are counted: 202005 is a week or a step there, and no month.
bool is_count_name(std::string_view name) {
  constexpr std::array<std::string_view, 5> kNames = {"year", "quarter", "week", "hour", "step"};
  return std::ranges::find(kNames, in_lower_case(name)) != kNames.end();
}

bool is_time_name(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames = {"time", "date",  "datetime", "timestamp",
                                                      "ds",   "month", "day"};
  return std::ranges::find(kNames, in_lower_case(name)) != kNames.end() || is_count_name(name);
}

bool is_date(const std::optional<TimePoint>& time) {
  return time && time->style.form != TimeForm::kNumber;
}

// Whether the first column counts the rows: 1871, 1872, 1873 in a table without names, or a data
// frame's index, whose name is blank.
bool counts_rows(const CsvTable& table, const TableColumns& columns) {
  const bool named = columns.first_row > 0;
  const bool index = named && (columns.names[0].empty() || columns.names[0] == "Unnamed: 0");
  const std::size_t least = index ? 1 : 3;
  if ((named && !index) || table.columns < 2 || table.rows() - columns.first_row < least) {
    return false;
  }
  std::optional<double> before;
  for (std::size_t r = columns.first_row; r < table.rows(); ++r) {
    const auto value = parse_decimal(without_blanks(table.at(r, 0)));
    if (!value || *value != std::floor(*value) || (before && *value != *before + 1)) return false;
    before = value;
  }
  return true;
}

// What was meant as times, by its first cell or its name, and is not in some row: neither to be
// forecast nor to be left out silently.
void refuse_broken_times(const CsvTable& table, const TableColumns& columns, std::size_t column,
                         const std::string& where) {
  std::optional<std::size_t> time, other;
  bool all_missing = true;
  for (std::size_t r = columns.first_row; r < table.rows(); ++r) {
    std::optional<std::size_t>& first = parse_time(table.at(r, column)) ? time : other;
    if (!first) first = r;
    all_missing = all_missing && is_missing(table.at(r, column));
  }
  const bool meant = is_time_name(columns.names[column])
                         ? time || all_missing
                         : time && is_date(parse_time(table.at(columns.first_row, column)));
  if (!meant || !other) return;
  const std::string_view cell = table.at(*other, column);
  fail_wanted(ErrorKind::kFormat, cell_name(table, columns, where, *other, column),
              time ? str("a time, as row ", table.numbers[*time], " has") : "a time",
              without_blanks(cell).empty() ? "an empty cell" : quoted(cell));
}

}  // namespace

bool holds_times(const CsvTable& table, const TableColumns& columns, std::size_t column) {
  const bool numbers_too = is_time_name(columns.names[column]);
  for (std::size_t r = columns.first_row; r < table.rows(); ++r) {
    const auto time = parse_time(table.at(r, column));
    if (!time || (!is_date(time) && !numbers_too)) return false;
  }
  return columns.first_row < table.rows();
}

bool holds_dates(const CsvTable& table, const TableColumns& columns, std::size_t column) {
  return holds_times(table, columns, column) &&
         is_date(parse_time(table.at(columns.first_row, column)));
}

bool holds_compact_times(const CsvTable& table, const TableColumns& columns, std::size_t column) {
  if (is_count_name(columns.names[column])) return false;
  for (std::size_t r = columns.first_row; r < table.rows(); ++r) {
    if (!parse_compact_time(table.at(r, column))) return false;
  }
  return columns.first_row < table.rows();
}

std::optional<std::size_t> found_time_column(const CsvTable& table, const TableColumns& columns,
                                             const std::string& where) {
  for (std::size_t c = 0; c < table.columns; ++c) {
    if (!columns.is_used(c) && holds_times(table, columns, c)) return c;
  }
  if (!columns.is_used(0) && counts_rows(table, columns)) return 0;
  for (std::size_t c = 0; c < table.columns && table.columns > 1; ++c) {
    if (!columns.is_used(c)) refuse_broken_times(table, columns, c, where);
  }
  return {};
}

}  // namespace xlstm
