#include "xlstm/series/series_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "xlstm/base/error.h"
#include "xlstm/base/utf8.h"
#include "xlstm/series/cells.h"
#include "xlstm/series/csv.h"
#include "xlstm/series/table_columns.h"

namespace xlstm {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// Rows of one id, in the table's order.
struct Group {
  std::string id;
  std::vector<std::size_t> rows;
};

class Reader {
 public:
  Reader(const CsvTable& table, const TableOptions& options, const std::string& where)
      : table_(table),
        options_(options),
        where_(where),
        columns_(find_columns(table, options, where)) {}

  std::vector<TimedSeries> read() const {
    std::vector<TimedSeries> out;
    const std::vector<Group> all = groups();
    const auto placed_all = placed(all);
    for (std::size_t g = 0; g < all.size(); ++g) {
      const Group& group = all[g];
      const std::optional<PlacedTimes>& times = placed_all[g];
      if (options_.multivariate) {
        out.push_back(series_of(group, columns_.targets, times));
      } else {
        for (const std::size_t column : columns_.targets) {
          out.push_back(series_of(group, std::span(&column, 1), times));
        }
      }
    }
    return out;
  }

 private:
  std::string cell_name(std::size_t row, std::size_t column) const {
    return xlstm::cell_name(table_, columns_, where_, row, column);
  }

  std::vector<Group> groups() const {
    std::vector<Group> out;
    std::unordered_map<std::string_view, std::size_t> known;
    for (std::size_t r = columns_.first_row; r < table_.rows(); ++r) {
      const auto id = columns_.id ? without_blanks(table_.at(r, *columns_.id)) : "";
      if (columns_.id && id.empty()) {
        fail_wanted(ErrorKind::kFormat, cell_name(r, *columns_.id), "an id", "an empty cell");
      }
      const auto [place, is_new] = known.emplace(id, out.size());
      if (is_new) out.push_back({utf8_repaired(id), {}});
      out[place->second].rows.push_back(r);
    }
    if (out.empty()) {
      fail_wanted(ErrorKind::kFormat, where_, "rows of values",
                  table_.rows() == 0 ? "an empty table" : "a row of names alone");
    }
    return out;
  }

  std::vector<TimePoint> times_of(const Group& group) const {
    std::vector<TimePoint> times;
    times.reserve(group.rows.size());
    for (const std::size_t row : group.rows) {
      const std::string_view cell = table_.at(row, *columns_.time);
      const std::optional<TimePoint> time = columns_.time_of(cell);
      if (!time) {
        fail_wanted(ErrorKind::kFormat, cell_name(row, *columns_.time),
                    "a time: a number, 2020Q1, 2020-03, 2020-03-31, 2020-03-31T12:30",
                    cell.empty() ? "an empty cell" : quoted(cell));
      }
      times.push_back(*time);
    }
    return times;
  }

  // Of each group; none without a column of times.
  std::vector<std::optional<PlacedTimes>> placed(const std::vector<Group>& groups) const {
    std::vector<std::optional<PlacedTimes>> out(groups.size());
    if (!columns_.time) return out;
    std::vector<std::vector<TimePoint>> times;
    for (const Group& group : groups) times.push_back(times_of(group));
    const std::optional<CommonStep> common = common_step(times);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto row_name = [&](std::size_t i) {
        return cell_name(groups[g].rows[i], *columns_.time);
      };
      out[g] = place_times(times[g], row_name, common);
    }
    return out;
  }

  // Without times one row comes after the other.
  NamedValues column_of(const Group& group, std::size_t column,
                        const std::optional<PlacedTimes>& times) const {
    const auto size =
        times ? static_cast<std::size_t>(times->indices.back()) + 1 : group.rows.size();
    NamedValues out{columns_.name_of(column), std::vector<float>(size, kMissing)};
    for (std::size_t i = 0; i < group.rows.size(); ++i) {
      const std::string_view cell = table_.at(group.rows[i], column);
      const std::optional<float> value = cell_value(cell);
      if (!value) {
        fail_wanted(ErrorKind::kFormat, cell_name(group.rows[i], column), "a number", quoted(cell));
      }
      out.values[times ? static_cast<std::size_t>(times->indices[i]) : i] = *value;
    }
    return out;
  }

  TimedSeries series_of(const Group& group, std::span<const std::size_t> targets,
                        const std::optional<PlacedTimes>& times) const {
    TimedSeries out;
    out.id = group.id;
    out.where = group.id.empty() ? where_ : str(where_, ", id ", quoted(group.id));
    if (times) out.times = times->timeline;
    const auto read = [&](std::span<const std::size_t> columns, std::vector<NamedValues>& to) {
      for (const std::size_t column : columns) to.push_back(column_of(group, column, times));
    };
    read(targets, out.targets);
    read(columns_.past, out.past);
    read(columns_.known, out.known);
    if (!out.known.empty()) end_at_last_target(out);
    return out;
  }

  // What is behind it is the future: known of some columns, empty in the others.
  static void end_at_last_target(TimedSeries& series) {
    std::size_t end = 0;
    for (const NamedValues& target : series.targets) {
      const auto last = std::find_if(target.values.rbegin(), target.values.rend(),
                                     [](float value) { return !std::isnan(value); });
      end = std::max(end, static_cast<std::size_t>(target.values.rend() - last));
    }
    if (end == 0) return;  // no future of nothing
    for (NamedValues& target : series.targets) target.values.resize(end);
    for (NamedValues& past : series.past) past.values.resize(end);
  }

  const CsvTable& table_;
  const TableOptions& options_;
  const std::string& where_;
  const TableColumns columns_;
};

}  // namespace

bool all_missing(const std::vector<float>& values) {
  return std::ranges::all_of(values, [](float value) { return std::isnan(value); });
}

std::vector<TimedSeries> read_series_table(std::string_view text, const TableOptions& options,
                                           const std::string& where) {
  const CsvTable table = parse_csv(text, options.separator, where);
  if (table.rows() == 0)
    fail_wanted(ErrorKind::kFormat, where, "a table of values", "an empty one");
  return Reader(table, options, where).read();
}

}  // namespace xlstm
