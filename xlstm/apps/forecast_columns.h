// Rows of a table that come one at a time: what `xlstm forecast --follow` reads.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/series/table_columns.h"
#include "xlstm/series/timed_series.h"

namespace xlstm::apps {

// What rows have told of those that follow, for a stream that goes on later.
struct RowMemory {
  std::vector<std::string> names;   // of all columns, as the first row had them; none without one
  std::vector<std::string> values;  // which of them are targets and past covariates, in order
  std::optional<char> separator;
  std::vector<std::string> times;  // of the last rows, as they are written
};

// A line's values: one of each target, then one of each past covariate. The columns are found in
// the first rows, as in a table; of times only the last few are kept, enough to tell the step,
// which a row that comes later than that is preceded by missing ones. Rows may also be JSON arrays,
// all of them: the last of their values are the past covariates, as many as options.past names.
class RowReader {
 public:
  // Goes on from `memory`: the row of names may come again or not, and first rows whose time is not
  // after the last are skipped.
  RowReader(const TableOptions& options, std::string source, RowMemory memory = {});

  // The rows that a line adds, [columns, rows]; none for a line of names, a skipped row, and a
  // blank line, which is a missing value of a table of one column once a row comes behind it.
  // Throws Error: kFormat that names the line and the column, kUsage for options of tables with
  // JSON, and for other columns than before.
  std::vector<std::vector<float>> read(const std::string& line);
  // What was read last is in the stream now, and memory() has it.
  void keep();
  RowMemory memory() const;

  std::size_t targets() const { return targets_; }
  std::size_t past() const { return past_; }
  // Names of the targets without values, and the times that follow what was read.
  const TimedSeries& series() const { return series_; }
  // The time of the last row; "" without one.
  std::string last_time() const;
  std::size_t skipped() const { return skipped_; }  // rows
  std::string line_name() const;

 private:
  enum class Kind { kUnknown, kTable, kJson };

  void check_kind(const std::string& line);
  bool begin(const std::string& line);
  std::optional<CsvTable> first_rows(std::string_view text, char separator) const;
  std::vector<std::string> value_names() const;  // as RowMemory has them
  void check_same_values() const;
  void recall_times(std::string_view first_row_time);
  std::vector<float> values_of_json(const std::string& line);
  std::vector<float> values_of_cells(const CsvTable& row) const;
  std::size_t rows_since(std::string_view cell);

  TableOptions options_;
  std::string source_;
  RowMemory memory_;        // of the rows before the first
  std::size_t number_ = 0;  // of the line
  std::size_t blank_ = 0;   // lines since the last row
  std::optional<std::string> names_;
  Kind kind_ = Kind::kUnknown;
  bool begun_ = false;
  TableColumns columns_;
  std::size_t targets_ = 0, past_ = 0;
  TimedSeries series_;
  std::deque<TimePoint> times_;    // of the rows that were kept
  std::optional<TimePoint> time_;  // of the last row, until it is kept
  bool any_row_ = false;           // one that was not skipped
  std::size_t skipped_ = 0;
};

}  // namespace xlstm::apps
