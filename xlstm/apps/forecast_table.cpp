// Forecasts as a table for people.
#include <algorithm>
#include <cmath>

#include "xlstm/apps/forecast_plot.h"
#include "xlstm/apps/forecast_writers.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

// Digits behind the point that show four of the range's.
int digits_of(const Forecast& forecast) {
  float greatest = 0;
  for (const float value : forecast.values) {
    if (std::isfinite(value)) greatest = std::max(greatest, std::abs(value));
  }
  const int before = greatest > 0 ? static_cast<int>(std::floor(std::log10(greatest))) + 1 : 1;
  return std::clamp(5 - before, 0, 9);
}

std::string value_text(float value, int digits) {
  constexpr float kLarge = 1e12F;
  if (!std::isfinite(value) || std::abs(value) >= kLarge) return str(value);
  return decimals(value, digits);
}

using Rows = std::vector<std::vector<std::string>>;

std::string aligned(const Rows& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string blanks(widths[c] - row[c].size(), ' ');
      out += c == 0 ? row[c] + blanks : "  " + blanks + row[c];
    }
    out.resize(out.find_last_not_of(' ') + 1);
    out += "\n";
  }
  return out;
}

// The median and the ends of bands; all levels where there are no bands.
std::vector<std::size_t> levels_shown(const Forecast& forecast) {
  std::vector<std::size_t> out;
  const auto bands = bands_of(forecast);
  if (!bands.empty()) out.push_back(nearest_level(forecast, 0.5F));
  for (const auto& [low, high] : bands) out.insert(out.end(), {low, high});
  for (std::size_t q = 0; bands.empty() && q < forecast.levels.size(); ++q) out.push_back(q);
  return out;
}

Rows rows_of(const TimedSeries& series, const Forecast& forecast) {
  const std::vector<std::size_t> levels = levels_shown(forecast);
  const int digits = digits_of(forecast);
  Rows rows = {{series.times ? "time" : "step"}};
  for (const std::size_t level : levels) {
    const std::string name = shortest(forecast.levels[level]);
    rows[0].push_back(name == "0.5" ? "median" : name);
  }
  for (std::int64_t step = 0; step < forecast.horizon; ++step) {
    rows.push_back({step_text(series, step)});
    for (const std::size_t level : levels) {
      rows.back().push_back(value_text(forecast.at(step, level), digits));
    }
  }
  return rows;
}

class TableWriter : public ForecastWriter {
 public:
  explicit TableWriter(WriteText write) : write_(std::move(write)) {}

  void add(const TimedSeries& series, const std::vector<Forecast>& forecasts) override {
    for (std::size_t target = 0; target < forecasts.size(); ++target) {
      write_(str(begun_ ? "\n" : "", title_of(series, target), "\n",
                 aligned(rows_of(series, forecasts[target]))));
      begun_ = true;
    }
  }

 private:
  WriteText write_;
  bool begun_ = false;
};

}  // namespace

std::unique_ptr<ForecastWriter> make_table_writer(WriteText write) {
  return std::make_unique<TableWriter>(std::move(write));
}

}  // namespace xlstm::apps
