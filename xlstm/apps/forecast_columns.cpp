#include "xlstm/apps/forecast_columns.h"

#include <algorithm>
#include <limits>

#include "xlstm/apps/values.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"
#include "xlstm/series/cells.h"
#include "xlstm/series/series_json.h"

namespace xlstm::apps {
namespace {

constexpr std::size_t kTimes = 64;  // that tell the step

bool starts_with(const std::string& line, char letter) {
  return without_blanks(line).starts_with(letter);
}

// The row of names that a state kept, before the first row.
CsvTable with_names(CsvTable table, const std::vector<std::string>& names) {
  table.cells.insert(table.cells.begin(), names.begin(), names.end());
  table.numbers.insert(table.numbers.begin(), 0);
  return table;
}

bool holds(const CsvTable& row, const std::vector<std::string>& names) {
  return std::ranges::equal(row.cells, names, {},
                            [](std::string_view cell) { return without_blanks(cell); });
}

}  // namespace

RowReader::RowReader(const TableOptions& options, std::string source, RowMemory memory)
    : options_(options), source_(std::move(source)), memory_(std::move(memory)) {}

std::string RowReader::line_name() const {
  return str(source_, ", line ", number_);
}

std::string RowReader::last_time() const {
  if (time_) return to_text(*time_);
  return times_.empty() ? "" : to_text(times_.back());
}

RowMemory RowReader::memory() const {
  if (!begun_) return memory_;
  RowMemory out;
  if (kind_ == Kind::kJson) return out;
  out.separator = options_.separator;
  if (columns_.first_row > 0) out.names = columns_.names;
  out.values = value_names();
  for (const TimePoint& time : times_) out.times.push_back(to_text(time));
  return out;
}

void RowReader::check_kind(const std::string& line) {
  const bool array = starts_with(line, '[');
  if (kind_ == Kind::kUnknown) {
    if (starts_with(line, '{')) {
      fail_wanted(ErrorKind::kFormat, line_name(), "a row of cells, or a JSON array of numbers",
                  quoted(line));
    }
    kind_ = array ? Kind::kJson : Kind::kTable;
  }
  if (array == (kind_ == Kind::kJson)) return;
  fail_wanted(ErrorKind::kFormat, line_name(),
              array ? "a row of cells, as the lines before" : "a JSON array, as the lines before",
              quoted(line));
}

// The first row of values and, if there is one, the row of names before it; nothing where `text` is
// the row of names that a state kept.
std::optional<CsvTable> RowReader::first_rows(std::string_view text, char separator) const {
  CsvTable table = parse_csv(text, separator, line_name());
  table.numbers.back() = static_cast<std::uint32_t>(number_);
  if (names_ || memory_.names.empty()) return table;
  if (table.columns != memory_.names.size()) {
    fail_wanted(ErrorKind::kFormat, line_name(),
                str(memory_.names.size(), " cells, as the state's rows have"), str(table.columns));
  }
  if (holds(table, memory_.names)) return {};
  return with_names(std::move(table), memory_.names);
}

std::vector<std::string> RowReader::value_names() const {
  std::vector<std::string> out;
  for (const auto* list : {&columns_.targets, &columns_.past}) {
    for (const std::size_t column : *list) out.push_back(columns_.names[column]);
  }
  return out;
}

// A stream does not go on with other columns than it began with.
void RowReader::check_same_values() const {
  if (memory_.names.empty()) return;
  const std::vector<std::string> values = value_names();
  if (values == memory_.values) return;
  fail_wanted(ErrorKind::kUsage, source_,
              str("the columns of the state, ", quoted(joined(memory_.values))),
              quoted(joined(values)));
}

void RowReader::recall_times(std::string_view first_row_time) {
  for (const std::string& text : memory_.times) {
    const std::optional<TimePoint> time = columns_.time_of(text);
    if (!time) {
      fail_wanted(ErrorKind::kFormat, line_name(), "a time like the state's last, " + quoted(text),
                  quoted(first_row_time));
    }
    times_.push_back(*time);
  }
}

// Finds columns in the first row of values and the names before it.
bool RowReader::begin(const std::string& line) {
  const std::string both = names_ ? *names_ + "\n" + line : line;
  const std::optional<char> told = options_.separator ? options_.separator : memory_.separator;
  const char separator = told ? *told : detected_separator(both);
  const std::optional<CsvTable> table = first_rows(both, separator);
  TableOptions options = options_;
  if (names_ || !memory_.names.empty()) options.header = true;
  if (table) columns_ = find_columns(*table, options, source_);
  if (!table || columns_.first_row == table->rows()) {
    names_ = line;
    return false;
  }
  check_same_values();
  if (columns_.time) {
    recall_times(table->at(table->rows() - 1, *columns_.time));
  } else if (!memory_.times.empty() && options_.time != "none") {
    fail_wanted(ErrorKind::kUsage, line_name(), "a time, as the state's rows have (or --time none)",
                "none");
  }
  options_.separator = separator;
  targets_ = columns_.targets.size();
  past_ = columns_.past.size();
  for (const std::size_t target : columns_.targets) {
    series_.targets.push_back({columns_.name_of(target), {}});
  }
  begun_ = true;
  return true;
}

std::vector<float> RowReader::values_of_json(const std::string& line) {
  const TimedSeries row = series_of_json(parse_json(line, line_name()), line_name());
  const std::vector<float>& values = row.targets.front().values;
  if (!begun_) {
    const bool of_table = options_.separator || options_.header || !options_.time.empty() ||
                          !options_.columns.empty();
    if (of_table) {
      fail_wanted(ErrorKind::kUsage, line_name(), "a table, whose columns the options name",
                  "JSON");
    }
    past_ = options_.past.size();
    if (values.size() <= past_) {
      fail_wanted(ErrorKind::kFormat, line_name(),
                  str("more than ", past_, " values, of which the last are past covariates"),
                  str(values.size()));
    }
    targets_ = values.size() - past_;
    series_.targets.resize(targets_);
    begun_ = true;
  }
  if (values.size() != targets_ + past_) {
    fail_wanted(ErrorKind::kFormat, line_name(), str(targets_ + past_, " values, as before"),
                str(values.size()));
  }
  return values;
}

std::vector<float> RowReader::values_of_cells(const CsvTable& row) const {
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

// How many rows this one is after the last, 1 where nothing is left out; 0 where a stream that goes
// on has it already.
std::size_t RowReader::rows_since(std::string_view cell) {
  time_ = columns_.time_of(cell);
  if (!time_) {
    fail_wanted(ErrorKind::kFormat,
                str(line_name(), ", column ", quoted(columns_.names[*columns_.time])), "a time",
                quoted(cell));
  }
  const bool goes_on = !any_row_ && !times_.empty() && !memory_.times.empty();
  if (goes_on && time_->style.form == times_.back().style.form &&
      !is_later(*time_, times_.back())) {
    time_.reset();
    return 0;
  }
  std::vector<TimePoint> times(times_.begin(), times_.end());
  times.push_back(*time_);
  PlacedTimes placed = place_times(times, [&](std::size_t) { return line_name(); });
  const std::vector<std::int64_t>& at = placed.indices;
  // From the row that follows on.
  series_.times = Timeline(placed.timeline.at(at.back() + 1), placed.timeline.unit(),
                           placed.timeline.step(), placed.timeline.month_ends());
  return at.size() < 2 ? 1 : static_cast<std::size_t>(at.back() - at[at.size() - 2]);
}

void RowReader::keep() {
  if (!time_) return;
  times_.push_back(*time_);
  time_.reset();
  if (times_.size() > kTimes) times_.pop_front();
}

std::vector<std::vector<float>> RowReader::read(const std::string& line) {
  ++number_;
  if (without_blanks(line).empty()) {
    if (names_ || begun_) ++blank_;
    return {};
  }
  check_kind(line);
  std::vector<float> values;
  std::size_t since = 1;
  if (kind_ == Kind::kJson) {
    values = values_of_json(line);
  } else {
    if (!begun_ && !begin(line)) return {};
    const CsvTable row = parse_csv(line, options_.separator, line_name());
    if (row.columns != columns_.names.size()) {
      fail_wanted(ErrorKind::kFormat, line_name(), str(columns_.names.size(), " cells, as before"),
                  str(row.columns));
    }
    if (columns_.time) since = rows_since(row.at(0, *columns_.time));
    if (since == 0) {
      ++skipped_;
      return {};
    }
    values = values_of_cells(row);
    if (columns_.names.size() == 1) since += blank_;
  }
  any_row_ = true;
  blank_ = 0;
  std::vector<std::vector<float>> out;
  for (const float value : values) {
    out.emplace_back(since, std::numeric_limits<float>::quiet_NaN());
    out.back().back() = value;
  }
  return out;
}

}  // namespace xlstm::apps
