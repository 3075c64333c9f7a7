// The series that `xlstm forecast` is given, checked against what the model takes.
#pragma once

#include <vector>

#include "xlstm/apps/forecast_options.h"
#include "xlstm/engine/forecaster.h"
#include "xlstm/series/timed_series.h"

namespace xlstm::apps {

// For messages: where the series is from, and which of its columns that is.
std::string name_of(const TimedSeries& series, const NamedValues& values);

// Of all files. Where there are several, a series that has no id gets its file's name as one.
std::vector<TimedSeries> read_inputs(const ForecastArguments& options);

// Throws Error(kUsage) for a series without values, one whose values are all missing, and one that
// does not fit the model or the horizon, or goes on beyond years of four digits.
void check_fits(const TimedSeries& series, const ForecasterFacts& facts, std::int64_t horizon);

// What a forecaster reads of it.
Series series_of(const TimedSeries& series);

}  // namespace xlstm::apps
