#include "xlstm/series/table_columns.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/series/cells.h"

namespace xlstm {
namespace {

// What stands first in a value, so that "12x" above numbers is a mistake and not a name.
bool could_be_name(std::string_view cell) {
  cell = without_blanks(cell);
  return !is_missing(cell) && std::string_view("0123456789+-.").find(cell[0]) == std::string::npos;
}

bool is_value_or_time(std::string_view cell) {
  return cell_value(cell).has_value() || parse_time(cell).has_value();
}

// Whether the first row holds a name above something that is none.
bool has_header(const CsvTable& table) {
  for (std::size_t c = 0; c < table.columns; ++c) {
    if (!could_be_name(table.at(0, c))) continue;
    if (table.rows() == 1 || is_value_or_time(table.at(1, c))) return true;
  }
  return false;
}

// Of a column that is named `name`, or has this number.
std::size_t column_of(const TableColumns& columns, const std::string& name,
                      const std::string& where) {
  const auto found = std::ranges::find(columns.names, name);
  if (found != columns.names.end()) {
    return static_cast<std::size_t>(found - columns.names.begin());
  }
  std::size_t number = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = problem == std::errc() && end == name.data() + name.size();
  if (whole && number >= 1 && number <= columns.names.size()) return number - 1;
  std::string there;
  constexpr std::size_t kMostShown = 12;
  for (std::size_t c = 0; c < std::min(columns.names.size(), kMostShown); ++c) {
    there += (c == 0 ? "" : ", ") + columns.names[c];
  }
  if (columns.names.size() > kMostShown) there += ", ...";
  fail_wanted(ErrorKind::kUsage, where, "a column of the table, " + quoted(there), quoted(name));
}

bool is_used(const TableColumns& columns, std::size_t column) {
  const auto in = [&](const std::vector<std::size_t>& list) {
    return std::ranges::find(list, column) != list.end();
  };
  return columns.time == column || columns.id == column || in(columns.targets) ||
         in(columns.past) || in(columns.known);
}

std::vector<std::size_t> columns_of(TableColumns& columns, const std::vector<std::string>& names,
                                    const std::string& where) {
  std::vector<std::size_t> out;
  for (const std::string& name : names) {
    const std::size_t column = column_of(columns, name, where);
    if (is_used(columns, column) || std::ranges::find(out, column) != out.end()) {
      fail_wanted(ErrorKind::kUsage, where, "each column once", quoted(name) + " twice");
    }
    out.push_back(column);
  }
  return out;
}

bool is_time_name(std::string_view name) {
  constexpr std::array<std::string_view, 12> kNames = {"time", "date", "datetime", "timestamp",
                                                       "ds",   "year", "quarter",  "month",
                                                       "week", "day",  "hour",     "step"};
  std::string lower;
  for (const char letter : name) {
    lower += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  }
  return std::ranges::find(kNames, lower) != kNames.end();
}

// Whether all of a column's cells are times; of numbers only where its name says so.
bool holds_times(const CsvTable& table, const TableColumns& columns, std::size_t column) {
  const bool numbers_too = is_time_name(columns.names[column]);
  for (std::size_t r = columns.first_row; r < table.rows(); ++r) {
    const auto time = parse_time(table.at(r, column));
    if (!time || (time->style.form == TimeForm::kNumber && !numbers_too)) return false;
  }
  return columns.first_row < table.rows();
}

// Whether a table without names counts its rows in this column: 1871, 1872, 1873.
bool counts_rows(const CsvTable& table, const TableColumns& columns, std::size_t column) {
  constexpr std::size_t kRows = 3;
  if (columns.first_row > 0 || table.columns < 2 || table.rows() < kRows) return false;
  std::optional<float> before;
  for (std::size_t r = 0; r < table.rows(); ++r) {
    const auto value = cell_value(table.at(r, column));
    if (!value || (before && *value != *before + 1)) return false;
    before = value;
  }
  return true;
}

void find_time(const CsvTable& table, const TableOptions& options, const std::string& where,
               TableColumns& columns) {
  if (options.time == "none") return;
  if (!options.time.empty()) {
    columns.time = columns_of(columns, {options.time}, where).front();
    return;
  }
  for (std::size_t c = 0; c < table.columns && !columns.time; ++c) {
    if (!is_used(columns, c) && holds_times(table, columns, c)) columns.time = c;
  }
  if (!columns.time && !is_used(columns, 0) && counts_rows(table, columns, 0)) columns.time = 0;
}

void find_names(const CsvTable& table, const TableOptions& options, TableColumns& columns) {
  columns.first_row = (options.header ? *options.header : has_header(table)) ? 1 : 0;
  for (std::size_t c = 0; c < table.columns; ++c) {
    columns.names.push_back(columns.first_row == 0 ? std::to_string(c + 1)
                                                   : utf8_repaired(without_blanks(table.at(0, c))));
  }
}

}  // namespace

std::string TableColumns::name_of(std::size_t column) const {
  const bool alone = targets.size() == 1 && targets.front() == column;
  return first_row == 0 && alone ? "" : names[column];
}

TableColumns find_columns(const CsvTable& table, const TableOptions& options,
                          const std::string& where) {
  TableColumns columns;
  find_names(table, options, columns);
  if (!options.id.empty()) columns.id = columns_of(columns, {options.id}, where).front();
  columns.past = columns_of(columns, options.past, where);
  columns.known = columns_of(columns, options.known, where);
  columns.targets = columns_of(columns, options.columns, where);
  find_time(table, options, where, columns);
  if (!options.columns.empty()) return columns;
  for (std::size_t c = 0; c < table.columns; ++c) {
    if (!is_used(columns, c)) columns.targets.push_back(c);
  }
  // One column alone is what is forecast, whatever it looks like.
  if (columns.targets.empty() && table.columns == 1 && columns.time && options.time.empty()) {
    columns.targets = {0};
    columns.time.reset();
  }
  if (columns.targets.empty()) {
    fail_wanted(ErrorKind::kUsage, where, "a column to forecast",
                "none beside time, id and covariates");
  }
  return columns;
}

}  // namespace xlstm
