// What every family refuses of series and options.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "xlstm/forecast/series.h"

namespace xlstm {

// The most steps that are asked for at once.
inline constexpr std::int64_t kMostSteps = std::int64_t{1} << 20;

// The most targets, or covariates, of a stream.
inline constexpr std::size_t kMostRows = std::size_t{1} << 16;

// Throw Error(kUsage).
void check_options(const ForecastOptions& options);
// An option of `family` that is set, for a model of another.
void refuse_foreign(bool is_set, std::string_view option, std::string_view family,
                    const ForecasterFacts& facts);
// A series that the model cannot take: no targets, no values, rows of unequal lengths, covariates
// that the model does not read or that are too short, infinite values. `where` names it. A target
// whose values are all missing is one.
void check_series(const Series& series, const ForecasterFacts& facts,
                  const ForecastOptions& options, const std::string& where);
// A stream of so many rows that the model cannot take.
void check_stream(std::size_t targets, std::size_t past_covariates, const ForecasterFacts& facts);
// Throws Error(kCancelled) where options.cancelled says so.
void check_cancelled(const ForecastOptions& options);
// The new values of a stream with so many rows.
void check_rows(std::span<const Values> rows, std::size_t targets, std::size_t past_covariates);

}  // namespace xlstm
