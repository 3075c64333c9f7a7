// Which column of a table is what.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/series/csv.h"
#include "xlstm/series/series_table.h"

namespace xlstm {

struct TableColumns {
  std::vector<std::string> names;  // of all: of the first row, else their numbers
  std::size_t first_row = 0;       // of values
  std::optional<std::size_t> time, id;
  std::vector<std::size_t> targets, past, known;
  bool compact_times = false;  // 20200131, 202001: numbers in other columns

  // "" for what is forecast alone, of a table without names.
  std::string name_of(std::size_t column) const;
  bool is_used(std::size_t column) const;
  // What a cell of the column of times says; nothing where that is no time.
  std::optional<TimePoint> time_of(std::string_view cell) const;
};

// "[where, row 3, column "v"]" without the brackets.
std::string cell_name(const CsvTable& table, const TableColumns& columns, const std::string& where,
                      std::size_t row, std::size_t column);

// Throws as read_series_table() does. `table` has a row at least.
TableColumns find_columns(const CsvTable& table, const TableOptions& options,
                          const std::string& where);

}  // namespace xlstm
