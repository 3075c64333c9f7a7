// Forecasts as plots.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "xlstm/forecast/series.h"
#include "xlstm/series/plot.h"
#include "xlstm/series/timed_series.h"

namespace xlstm::apps {

// Levels of two quantiles around the median, by their index.
using LevelPair = std::pair<std::size_t, std::size_t>;

// The widest pair, and the one nearest to 0.3 and 0.7 within it: as many as there are.
std::vector<LevelPair> bands_of(const Forecast& forecast);

// A series' own name, "north, sales"; its file's where it has none. Without control characters.
std::string title_of(const TimedSeries& series, std::size_t target);

// Of each target one panel, with the last `history` values (0: four horizons, 120 at least).
std::vector<PlotPanel> panels_of(const TimedSeries& series, const std::vector<Forecast>& forecasts,
                                 std::int64_t history);

// For the terminal at standard output.
std::string sketches_of(const std::vector<PlotPanel>& panels);

}  // namespace xlstm::apps
