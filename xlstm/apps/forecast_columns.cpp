#include "xlstm/apps/forecast_columns.h"

#include <limits>

#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/series/cells.h"
#include "xlstm/series/series_json.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kTimes = 64;  // that tell the step

bool is_json(const std::string& line) {
  return without_blanks(line).starts_with('[');
}

}  // namespace

RowReader::RowReader(const TableOptions& options, std::string source)
    : options_(options), source_(std::move(source)) {}

std::string RowReader::line_name() const {
  return str(source_, ", line ", number_);
}

std::string RowReader::last_time() const {
  return times_.empty() ? "" : to_text(times_.back());
}

// Finds columns in the first row of values and, if there is one, the row of names before it.
bool RowReader::begin(const std::string& line) {
  const std::string both = names_ ? *names_ + "\n" + line : line;
  TableOptions options = options_;
  if (!options.separator) options.separator = detected_separator(both);
  const CsvTable table = parse_csv(both, options.separator, line_name());
  TableColumns columns = find_columns(table, options, line_name());
  if (columns.first_row == table.rows()) {
    names_ = line;
    return false;
  }
  options_.separator = options.separator;
  columns_ = std::move(columns);
  for (const std::size_t target : columns_.targets) {
    series_.targets.push_back({columns_.name_of(target), {}});
  }
  begun_ = true;
  return true;
}

std::vector<float> RowReader::cells_of_json(const std::string& line) const {
  const TimedSeries row = series_of_json(parse_json(line, line_name()), line_name());
  return row.targets.front().values;
}

std::vector<float> RowReader::cells_of(const CsvTable& row) {
  std::vector<float> out;
  for (const auto* list : {&columns_.targets, &columns_.past}) {
    for (const std::size_t column : *list) {
      const std::optional<float> value = cell_value(row.at(0, column));
      if (!value) {
        fail_wanted(ErrorKind::kFormat,
                    str(line_name(), ", column ", quoted(columns_.names[column])), "a number",
                    quoted(row.at(0, column)));
      }
      out.push_back(*value);
    }
  }
  return out;
}

// How many rows this one is after the last, 1 where nothing is left out.
std::int64_t RowReader::rows_since(std::string_view cell) {
  const std::optional<TimePoint> time = parse_time(cell);
  if (!time) {
    fail_wanted(ErrorKind::kFormat,
                str(line_name(), ", column ", quoted(columns_.names[*columns_.time])), "a time",
                quoted(cell));
  }
  times_.push_back(*time);
  if (times_.size() > kTimes) times_.pop_front();
  const std::vector<TimePoint> times(times_.begin(), times_.end());
  PlacedTimes placed = place_times(times, [&](std::size_t) { return line_name(); });
  const std::vector<std::int64_t>& at = placed.indices;
  // From the row that follows on.
  series_.times = Timeline(placed.timeline.at(at.back() + 1), placed.timeline.unit(),
                           placed.timeline.step(), placed.timeline.month_ends());
  return at.size() < 2 ? 1 : at.back() - at[at.size() - 2];
}

std::vector<std::vector<float>> RowReader::read(const std::string& line) {
  ++number_;
  if (without_blanks(line).empty()) return {};
  std::vector<float> values;
  std::int64_t since = 1;
  if (is_json(line)) {
    values = cells_of_json(line);
    if (!begun_) {
      columns_.targets.resize(values.size());
      series_.targets.resize(values.size());
      begun_ = true;
    }
  } else {
    if (!begun_ && !begin(line)) return {};
    const CsvTable row = parse_csv(line, options_.separator, line_name());
    if (row.columns != columns_.names.size()) {
      fail_wanted(ErrorKind::kFormat, line_name(), str(columns_.names.size(), " cells, as before"),
                  str(row.columns));
    }
    values = cells_of(row);
    if (columns_.time) since = rows_since(row.at(0, *columns_.time));
  }
  if (values.size() != targets() + past()) {
    fail_wanted(ErrorKind::kFormat, line_name(), str(targets() + past(), " values"),
                str(values.size()));
  }
  std::vector<std::vector<float>> out;
  for (const float value : values) {
    out.emplace_back(static_cast<std::size_t>(since), std::numeric_limits<float>::quiet_NaN());
    out.back().back() = value;
  }
  return out;
}

}  // namespace xlstm::apps
