#include "xlstm/apps/forecast_plot.h"

#include <algorithm>
#include <cstdlib>

#include "xlstm/apps/forecast_writers.h"
#include "xlstm/apps/terminal.h"
#include "xlstm/base/error.h"

namespace xlstm::apps {
namespace {

constexpr float kMedian = 0.5F;

std::vector<float> column_of(const Forecast& forecast, std::size_t level) {
  std::vector<float> out;
  for (std::int64_t step = 0; step < forecast.horizon; ++step) {
    out.push_back(forecast.at(step, level));
  }
  return out;
}

PlotPanel panel_of(const TimedSeries& series, std::size_t target, const Forecast& forecast,
                   std::int64_t history) {
  const std::vector<float>& values = series.targets[target].values;
  const auto shown = static_cast<std::ptrdiff_t>(
      std::min<std::size_t>(values.size(), static_cast<std::size_t>(history)));
  PlotPanel out;
  out.title = title_of(series, target);
  out.history.assign(values.end() - shown, values.end());
  out.median = column_of(forecast, nearest_level(forecast, kMedian));
  for (const auto& [low, high] : bands_of(forecast)) {
    out.bands.push_back({forecast.levels[low], forecast.levels[high], column_of(forecast, low),
                         column_of(forecast, high)});
  }
  out.times = series.times;
  out.first = static_cast<std::int64_t>(values.size()) - shown;
  return out;
}

// Whether the locale of letters is one of UTF-8, by the first variable that says.
bool locale_has_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    std::string lower;
    for (const char* letter = value; *letter != '\0'; ++letter) {
      if (*letter != '-') lower += static_cast<char>(*letter | 0x20);
    }
    return lower.find("utf8") != std::string::npos;
  }
  return false;
}

}  // namespace

std::vector<LevelPair> bands_of(const Forecast& forecast) {
  if (forecast.levels.size() < 3) return {};
  const std::size_t median = nearest_level(forecast, kMedian);
  const LevelPair widest = {0, forecast.levels.size() - 1};
  if (median == widest.first || median == widest.second) return {};
  const LevelPair inner = {nearest_level(forecast, 0.3F), nearest_level(forecast, 0.7F)};
  const bool within = inner.first > widest.first && inner.first < median && inner.second > median &&
                      inner.second < widest.second;
  return within ? std::vector{widest, inner} : std::vector{widest};
}

std::string title_of(const TimedSeries& series, std::size_t target) {
  const std::string name = target_name(series, target);
  std::string out = series.id + (series.id.empty() || name.empty() ? "" : ", ") + name;
  if (out.empty()) out = series.where;
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
  std::replace_if(out.begin(), out.end(), is_control, ' ');
  return out;
}

std::vector<PlotPanel> panels_of(const TimedSeries& series, const std::vector<Forecast>& forecasts,
                                 std::int64_t history) {
  constexpr std::int64_t kHorizons = 4, kLeast = 120, kMost = 20'000;
  std::vector<PlotPanel> out;
  for (std::size_t target = 0; target < forecasts.size(); ++target) {
    const Forecast& forecast = forecasts[target];
    const std::int64_t usual = std::clamp(kHorizons * forecast.horizon, kLeast, kMost);
    out.push_back(panel_of(series, target, forecast, history > 0 ? history : usual));
  }
  return out;
}

std::string sketches_of(const std::vector<PlotPanel>& panels) {
  const TerminalSize size = terminal_size();
  constexpr int kMostColumns = 160;
  SketchOptions options;
  options.columns = std::clamp(size.columns - 1, 20, kMostColumns);
  options.rows = std::clamp(size.rows - 6, 6, 18);
  options.unicode = locale_has_unicode();
  options.colours = stdout_is_terminal() && terminal_has_controls();
  std::string out;
  for (const PlotPanel& panel : panels) {
    if (!out.empty()) out += "\n";
    out += panel.title + "\n" + sketch(panel, options);
  }
  return out;
}

}  // namespace xlstm::apps
