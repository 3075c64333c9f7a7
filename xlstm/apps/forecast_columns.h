// Rows of a table that come one at a time: what `xlstm forecast --follow` reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/series/table_columns.h"
#include "xlstm/series/timed_series.h"

namespace xlstm::apps {

// A line's values: one of each target, then one of each past covariate. A JSON array of them is a
// row too. The columns are found in the first rows, as in a table; of times only the last few are
// kept, enough to tell the step, which a row that comes later than that is preceded by missing
// ones.
class RowReader {
 public:
  RowReader(const TableOptions& options, std::string source);

  // The rows that a line adds, [columns, rows]; none for a line of names and for a blank one.
  // Throws Error(kFormat) that names the line and the column.
  std::vector<std::vector<float>> read(const std::string& line);

  std::size_t targets() const { return columns_.targets.size(); }
  std::size_t past() const { return columns_.past.size(); }
  // Names of the targets without values, and the times that follow what was read.
  const TimedSeries& series() const { return series_; }
  // The time of the last row; "" without one.
  std::string last_time() const;

 private:
  std::string line_name() const;
  bool begin(const std::string& line);
  std::vector<float> cells_of_json(const std::string& line) const;
  std::vector<float> cells_of(const CsvTable& row);
  std::int64_t rows_since(std::string_view cell);

  TableOptions options_;
  std::string source_;
  std::size_t number_ = 0;  // of the line
  std::optional<std::string> names_;
  bool begun_ = false;
  TableColumns columns_;
  TimedSeries series_;
  std::deque<TimePoint> times_;
};

}  // namespace xlstm::apps
