// Which column of a table holds its times.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "xlstm/series/table_columns.h"

namespace xlstm {

// Whether all of a column's cells are times; of numbers only where its name says so.
bool holds_times(const CsvTable& table, const TableColumns& columns, std::size_t column);
// Whether they are times that are no numbers.
bool holds_dates(const CsvTable& table, const TableColumns& columns, std::size_t column);
// Whether a column of times is one of dates or months of digits alone (parse_compact_time).
bool holds_compact_times(const CsvTable& table, const TableColumns& columns, std::size_t column);

// The first column that holds times and is not used otherwise, or the first of all where it counts
// the rows. Throws Error(kFormat) where there is none and one was meant as times by its first cell
// or its name: it names the row that has none.
std::optional<std::size_t> found_time_column(const CsvTable& table, const TableColumns& columns,
                                             const std::string& where);

}  // namespace xlstm
