#include "xlstm/apps/forecast_writers.h"

#include <algorithm>
#include <cmath>

#include "xlstm/apps/report.h"
#include "xlstm/base/error.h"
#include "xlstm/base/json.h"

namespace xlstm::apps {
namespace {

// JSON has no NaN and no infinity.
Json json_number(float value) {
  return std::isfinite(value) ? Json(shortest_double(value)) : Json();
}

class CsvWriter : public ForecastWriter {
 public:
  explicit CsvWriter(WriteText write) : write_(std::move(write)) {}

  void add(const TimedSeries& series, const std::vector<Forecast>& forecasts) override {
    for (std::size_t target = 0; target < forecasts.size(); ++target) {
      const Forecast& forecast = forecasts[target];
      if (!begun_)
        write_(str("id,target,", series.times ? "time" : "step", csv_levels(forecast), "\n"));
      begun_ = true;
      const std::string names =
          csv_cell(series.id) + "," + csv_cell(target_name(series, target)) + ",";
      for (std::int64_t step = 0; step < forecast.horizon; ++step) {
        write_(names + csv_cell(step_text(series, step)) + csv_quantiles(forecast, step) + "\n");
      }
    }
  }

 private:
  WriteText write_;
  bool begun_ = false;
};

class JsonLinesWriter : public ForecastWriter {
 public:
  explicit JsonLinesWriter(WriteText write) : write_(std::move(write)) {}

  void add(const TimedSeries& series, const std::vector<Forecast>& forecasts) override {
    for (std::size_t target = 0; target < forecasts.size(); ++target) {
      write_(json_line(forecast_json(series, target, forecasts[target])));
    }
  }

 private:
  WriteText write_;
};

// An array, a forecast a line.
class JsonWriter : public ForecastWriter {
 public:
  explicit JsonWriter(WriteText write) : write_(std::move(write)) {}

  void add(const TimedSeries& series, const std::vector<Forecast>& forecasts) override {
    for (std::size_t target = 0; target < forecasts.size(); ++target) {
      std::string line = json_line(forecast_json(series, target, forecasts[target]));
      line.pop_back();
      write_((begun_ ? ",\n " : "[") + line);
      begun_ = true;
    }
  }

  void end() override { write_(begun_ ? "]\n" : "[]\n"); }

 private:
  WriteText write_;
  bool begun_ = false;
};

}  // namespace

std::string step_text(const TimedSeries& series, std::int64_t step) {
  if (!series.times) return std::to_string(step + 1);
  return series.times->text(static_cast<std::int64_t>(series.length()) + step);
}

std::string target_name(const TimedSeries& series, std::size_t target) {
  const std::string& name = series.targets[target].name;
  return name.empty() && series.targets.size() > 1 ? std::to_string(target + 1) : name;
}

Json forecast_json(const TimedSeries& series, std::size_t target, const Forecast& forecast) {
  Json times = Json::array(), quantiles = Json::object();
  for (std::int64_t step = 0; step < forecast.horizon; ++step) {
    times.push_back(series.times ? Json(step_text(series, step)) : Json(step + 1));
  }
  for (std::size_t q = 0; q < forecast.levels.size(); ++q) {
    Json& values = quantiles[shortest(forecast.levels[q])] = Json::array();
    for (std::int64_t step = 0; step < forecast.horizon; ++step) {
      values.push_back(json_number(forecast.at(step, q)));
    }
  }
  Json out = Json::object();
  if (!series.id.empty()) out["id"] = series.id;
  const std::string name = target_name(series, target);
  if (!name.empty()) out["target"] = name;
  out["times"] = std::move(times);
  out["quantiles"] = std::move(quantiles);
  return out;
}

std::size_t nearest_level(const Forecast& forecast, float wanted) {
  const auto nearest = std::ranges::min_element(
      forecast.levels, {}, [&](float level) { return std::abs(level - wanted); });
  return static_cast<std::size_t>(nearest - forecast.levels.begin());
}

std::unique_ptr<ForecastWriter> make_writer(const std::string& format, WriteText write) {
  if (format == "table") return make_table_writer(std::move(write));
  if (format == "json") return std::make_unique<JsonWriter>(std::move(write));
  if (format == "jsonl") return std::make_unique<JsonLinesWriter>(std::move(write));
  return std::make_unique<CsvWriter>(std::move(write));
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char letter : text) {
    out += letter;
    if (letter == '"') out += '"';
  }
  return out + "\"";
}

std::string csv_levels(const Forecast& forecast) {
  std::string out;
  for (const float level : forecast.levels) out += "," + shortest(level);
  return out;
}

std::string csv_quantiles(const Forecast& forecast, std::int64_t step) {
  std::string out;
  for (std::size_t q = 0; q < forecast.levels.size(); ++q) {
    out += "," + shortest(forecast.at(step, q));
  }
  return out;
}

}  // namespace xlstm::apps
