// Forecasts as text, one after the other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/base/json_fwd.h"
#include "xlstm/forecast/series.h"
#include "xlstm/series/timed_series.h"

namespace xlstm::apps {

// The moment of a forecast's step, from 0: its time, or where the series has none its number
// from 1.
std::string step_text(const TimedSeries& series, std::int64_t step);

// A target's name, or its number from 1 where it has none and is not alone.
std::string target_name(const TimedSeries& series, std::size_t target);

// One target's forecast: id, target, times, median and quantiles by their levels.
Json forecast_json(const TimedSeries& series, std::size_t target, const Forecast& forecast);

// The index of the level that is nearest to `wanted`.
std::size_t nearest_level(const Forecast& forecast, float wanted);

using WriteText = std::function<void(std::string_view)>;

// Takes the forecasts of one series after the other, and gives text to a WriteText.
class ForecastWriter {
 public:
  virtual ~ForecastWriter() = default;
  virtual void add(const TimedSeries& series, const std::vector<Forecast>& forecasts) = 0;
  virtual void end() {}
};

// "csv", "json", "jsonl", "table"
std::unique_ptr<ForecastWriter> make_writer(const std::string& format, WriteText write);
std::unique_ptr<ForecastWriter> make_table_writer(WriteText write);

// A cell of CSV, quoted where it has to be.
std::string csv_cell(std::string_view text);
// ",0.1,0.5,0.9": the names of columns of quantiles.
std::string csv_levels(const Forecast& forecast);
// ",112,115.5,118": a step's quantiles.
std::string csv_quantiles(const Forecast& forecast, std::int64_t step);

}  // namespace xlstm::apps
