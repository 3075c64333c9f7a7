#include "xlstm/series/table_columns.h"

#include <algorithm>
#include <charconv>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/series/cells.h"
#include "xlstm/series/time_column.h"

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

// Whether all cells are names, as far as can be told from them: "2m_temperature" is one beside
// others. That of a data frame's index is blank.
bool holds_names(const CsvTable& table, std::size_t row) {
  bool any = false;
  for (std::size_t c = 0; c < table.columns; ++c) {
    const std::string_view cell = table.at(row, c);
    if (c == 0 && table.columns > 1 && without_blanks(cell).empty()) continue;
    if (is_value_or_time(cell)) return false;
    any = any || could_be_name(cell);
  }
  return any;
}

// Whether the first row holds names alone, or a name above something that is none.
bool has_header(const CsvTable& table) {
  if (holds_names(table, 0)) return true;
  for (std::size_t c = 0; c < table.columns && table.rows() > 1; ++c) {
    if (could_be_name(table.at(0, c)) && is_value_or_time(table.at(1, c))) return true;
  }
  return false;
}

// Of a column that is named `name`, or has this number.
std::size_t column_of(const TableColumns& columns, const std::string& name,
                      const std::string& where) {
  const auto found = std::ranges::find(columns.names, name);
  if (found != columns.names.end()) {
    if (std::find(found + 1, columns.names.end(), name) != columns.names.end()) {
      fail_wanted(ErrorKind::kUsage, where, "a name that one column has, or a column's number",
                  quoted(name) + ", which several have");
    }
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

std::vector<std::size_t> columns_of(TableColumns& columns, const std::vector<std::string>& names,
                                    const std::string& where) {
  std::vector<std::size_t> out;
  for (const std::string& name : names) {
    const std::size_t column = column_of(columns, name, where);
    if (columns.is_used(column) || std::ranges::find(out, column) != out.end()) {
      fail_wanted(ErrorKind::kUsage, where, "each column once", quoted(name) + " twice");
    }
    out.push_back(column);
  }
  return out;
}

void find_time(const CsvTable& table, const TableOptions& options, const std::string& where,
               TableColumns& columns) {
  if (options.time == "none") return;
  columns.time = options.time.empty() ? found_time_column(table, columns, where)
                                      : columns_of(columns, {options.time}, where).front();
  columns.compact_times = columns.time && holds_compact_times(table, columns, *columns.time);
}

// All that is not named otherwise, but for further columns of times. One column alone is what is
// forecast, whatever it looks like.
void find_targets(const CsvTable& table, const TableOptions& options, TableColumns& columns) {
  if (table.columns == 1 && options.time.empty()) columns.time.reset();
  for (std::size_t c = 0; c < table.columns; ++c) {
    if (columns.is_used(c)) continue;
    const bool times = table.columns > 1 && holds_times(table, columns, c);
    if (!times || (options.time != "none" && !holds_dates(table, columns, c))) {
      columns.targets.push_back(c);
    }
  }
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

bool TableColumns::is_used(std::size_t column) const {
  const auto in = [&](const std::vector<std::size_t>& list) {
    return std::ranges::find(list, column) != list.end();
  };
  return time == column || id == column || in(targets) || in(past) || in(known);
}

std::optional<TimePoint> TableColumns::time_of(std::string_view cell) const {
  return compact_times ? parse_compact_time(cell) : parse_time(cell);
}

std::string cell_name(const CsvTable& table, const TableColumns& columns, const std::string& where,
                      std::size_t row, std::size_t column) {
  return str(where, ", row ", table.numbers[row], ", column ", quoted(columns.names[column]));
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
  if (options.columns.empty()) find_targets(table, options, columns);
  if (columns.targets.empty()) {
    fail_wanted(ErrorKind::kUsage, where, "a column to forecast",
                "none beside time, id and covariates");
  }
  return columns;
}

}  // namespace xlstm
