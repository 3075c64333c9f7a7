// Series whose season is slow are read at a lower rate, so that one season fills 64 values, and
// their forecasts are brought back to the series' own rate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace xlstm::tirex {

// By what a rate is to be multiplied: 1 where no season is found, the horizon is below 100 steps or
// the series is too short to tell; else one of 1/2, 1/3 ... 1/12. `context` values decide which
// season is the slowest that is looked for: half of the whole thousands in them.
double resampling_factor(std::span<const float> values, std::int64_t horizon, std::int64_t context);

// ceil(n * factor) values, each the mean of those about it that are there; NaN where none is.
std::vector<float> at_lower_rate(std::span<const float> values, double factor);

// rows [n, Q] -> [ceil(n / factor), Q], interpolated linearly.
std::vector<float> at_higher_rate(std::span<const float> rows, std::size_t Q, double factor);

// One series' way through the model.
class Resampling {
 public:
  // `values` outlive this.
  Resampling(std::span<const float> values, std::int64_t horizon, double factor);

  // What the model reads, and how many steps it is to forecast.
  std::span<const float> context() const { return factor_ == 1 ? values_ : lower_; }
  std::int64_t steps() const { return steps_; }
  // The longest horizon that is forecast by so many steps at most.
  std::int64_t longest_horizon(std::int64_t steps) const;
  // Of forecasts [at least steps(), Q] the horizon's at the series' own rate: [horizon, Q].
  std::vector<float> at_own_rate(std::span<const float> forecast, std::size_t Q) const;

 private:
  std::span<const float> values_;
  std::vector<float> lower_;
  std::int64_t horizon_, steps_;
  double factor_;
};

}  // namespace xlstm::tirex
