// What a forecaster reads and answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace xlstm {

// One quantity at equal distances in time; NaN: missing.
using Values = std::vector<float>;

// What is forecast together: targets over the same T times, and covariates that may explain them.
struct Series {
  std::vector<Values> targets = {};  // each [T]
  std::vector<Values> past = {};     // covariates known up to now, each [T]
  std::vector<Values> known = {};    // covariates known ahead, each at least [T + horizon]
};

struct ForecastOptions {
  // Steps, at least 1; of a model with a limit at most that many come. One without refuses a
  // horizon at whose end nothing of the series is left in its context.
  std::int64_t horizon = 32;
  std::int64_t context = 0;  // of each series the newest values that are read; 0: all it can take
  // Levels that are wanted, in (0, 1), rising; empty: the model's own. Between its own they are
  // interpolated, outside the nearest is taken.
  std::vector<float> quantiles = {};
  // Series at once. What one gets depends on the others by rounding alone: products of more rows
  // may be summed in another order.
  std::size_t batch = 64;

  // Those of one family are refused by the other's models where they are not as they stand here.
  //
  // TiRex. Patches that one pass forecasts, at least 1: more are faster and less exact.
  std::int64_t accelerated_steps = 1;
  bool resample = false;  // slow seasons are read at a lower rate
  // TiRex-2; none: as the model's config says.
  std::optional<bool> difference_trends = {};  // rows with a trend are forecast by differences
  std::optional<bool> flip_sign = {};          // the mean with the forecast of the negated rows
  bool pad_context = true;                     // short series are filled up to the model's context

  std::function<bool()> cancelled = {};  // asked between batches; Error(kCancelled) where true
};

// Of one target: quantiles of the steps after its last value.
struct Forecast {
  std::vector<float> levels;  // [Q], rising
  std::int64_t horizon = 0;
  std::vector<float> values;  // [horizon, Q]; not sorted by level where the model crosses them

  float at(std::int64_t step, std::size_t level) const {
    return values[static_cast<std::size_t>(step) * levels.size() + level];
  }
};

// What the layers make of a series.
struct SeriesEmbedding {
  std::int64_t tokens = 0, layers = 0, width = 0;
  std::vector<float> values;  // [tokens, layers, width]
};

// What a model can do.
struct ForecasterFacts {
  std::string name;              // "tides-1m"
  std::string family;            // "tirex", "tirex-2"
  std::int64_t context = 0;      // the most values of a series that are read
  std::int64_t patch = 0;        // values a token
  std::int64_t horizon = 0;      // the most steps that come; 0: as ForecastOptions::horizon says
  std::vector<float> levels;     // of its quantiles, rising
  bool several_targets = false;  // forecast together
  bool past_covariates = false;
  bool known_covariates = false;
};

}  // namespace xlstm
