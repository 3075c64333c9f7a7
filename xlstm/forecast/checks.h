// What every family refuses of series and options.
#pragma once

#include <span>
#include <string>

#include "xlstm/forecast/series.h"

namespace xlstm {

// The most steps that are asked for at once.
inline constexpr std::int64_t kMostSteps = std::int64_t{1} << 20;

// The most targets, or covariates, of a stream.
inline constexpr std::size_t kMostRows = std::size_t{1} << 16;

// Throw Error(kUsage).
void check_options(const ForecastOptions& options);
// A series that the model cannot take: no targets, no values, rows of unequal lengths, covariates
// that the model does not read or that are too short, infinite values. `where` names it. A target
// whose values are all missing is one.
void check_series(const Series& series, const ForecasterFacts& facts,
                  const ForecastOptions& options, const std::string& where);
// Throws Error(kCancelled) where options.cancelled says so.
void check_cancelled(const ForecastOptions& options);
// The new values of a stream with so many rows.
void check_rows(std::span<const Values> rows, std::size_t targets, std::size_t past_covariates);

}  // namespace xlstm
