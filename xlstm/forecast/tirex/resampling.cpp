#include "xlstm/forecast/tirex/resampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "xlstm/forecast/tirex/spectrum.h"

// The reference counts frequencies, places and factors in float32, which decides where two are
// equal: so does this.
namespace xlstm::tirex {
namespace {

constexpr std::int64_t kShortestHorizon = 100;
constexpr double kSeason = 64;  // values that a season is to fill, and the fastest that is taken
constexpr double kLeastHeight = 0.1;
constexpr int kMostDenominator = 12;

struct Peak {
  float frequency = 0;
  double height = 0;
};

// The seasons that stand out of the spectrum, the highest first; none where a fast one does.
std::vector<Peak> find_peaks(const std::vector<double>& spectrum, std::size_t n,
                             std::int64_t longest) {
  const auto first = static_cast<float>(1.0 / static_cast<double>(n));
  const auto frequency = [first](std::size_t k) { return static_cast<float>(k) * first; };
  const auto lowest = static_cast<float>(1.0 / static_cast<double>(longest));
  const auto height = [&](std::size_t k) { return frequency(k) >= lowest ? spectrum[k] : 0; };
  std::vector<Peak> out;
  for (std::size_t k = 1; k + 2 < spectrum.size(); ++k) {
    const double here = height(k);
    if (here <= height(k - 1) || here <= height(k + 1) || here <= kLeastHeight) continue;
    const double period = 1.0 / frequency(k);
    if (period < kSeason) return {};
    if (period <= static_cast<double>(longest)) out.push_back({frequency(k), here});
  }
  std::ranges::stable_sort(out, std::greater{}, &Peak::height);
  return out;
}

// Of the two highest, where one is about twice as fast as the other, the slower.
std::optional<float> season_frequency(const std::vector<Peak>& peaks) {
  if (peaks.empty()) return std::nullopt;
  if (peaks.size() > 1) {
    const auto [low, high] = std::minmax(peaks[0].frequency, peaks[1].frequency);
    const double ratio = static_cast<double>(high) / static_cast<double>(low);
    if (ratio >= 1.5 && ratio <= 2.5) return low;
  }
  return peaks[0].frequency;
}

double nearest_fraction(double factor) {
  float best = 1;
  const auto wanted = static_cast<float>(factor);
  for (int k = 2; k <= kMostDenominator; ++k) {
    const float fraction = 1.0F / static_cast<float>(k);
    if (std::abs(wanted - fraction) < std::abs(wanted - best)) best = fraction;
  }
  return best;
}

std::size_t scaled_length(std::size_t n, double factor) {
  return static_cast<std::size_t>(std::ceil(static_cast<double>(n) * factor));
}

// Place i of `count` at equal distances from 0 to `last`, from the nearer end.
float place(std::size_t i, std::size_t count, std::size_t last) {
  if (count == 1) return 0;
  const auto end = static_cast<float>(last);
  const float step = end / static_cast<float>(count - 1);
  return i < count / 2 ? step * static_cast<float>(i)
                       : end - step * static_cast<float>(count - 1 - i);
}

}  // namespace

double resampling_factor(std::span<const float> values, std::int64_t horizon,
                         std::int64_t context) {
  const std::int64_t longest = context / 1000 * 500;
  if (horizon < kShortestHorizon || longest == 0 || std::ssize(values) < 2 * longest) return 1;
  const auto frequency =
      season_frequency(find_peaks(amplitude_spectrum(values), values.size(), longest));
  if (!frequency) return 1;
  const double period = 1.0 / static_cast<double>(*frequency);
  const double factor = std::round(kSeason / period * 1e4) / 1e4;
  return nearest_fraction(factor);
}

std::vector<float> at_lower_rate(std::span<const float> values, double factor) {
  if (factor == 1) return {values.begin(), values.end()};
  const auto half = static_cast<float>(0.5 / factor);
  const auto last = static_cast<float>(values.size() - 1);
  const std::size_t count = scaled_length(values.size(), factor);
  std::vector<float> out;
  for (std::size_t i = 0; i < count; ++i) {
    const float centre = place(i, count, values.size() - 1);
    const auto begin = static_cast<std::size_t>(std::clamp(std::ceil(centre - half), 0.0F, last));
    const auto end = static_cast<std::size_t>(std::clamp(std::floor(centre + half), 0.0F, last));
    double sum = 0;
    int there = 0;
    for (std::size_t t = begin; t <= std::max(begin, end); ++t) {
      if (std::isnan(values[t])) continue;
      sum += values[t];
      ++there;
    }
    out.push_back(there > 0 ? static_cast<float>(sum / there)
                            : std::numeric_limits<float>::quiet_NaN());
  }
  return out;
}

std::vector<float> at_higher_rate(std::span<const float> rows, std::size_t Q, double factor) {
  if (factor == 1) return {rows.begin(), rows.end()};
  const std::size_t n = rows.size() / Q, count = scaled_length(n, 1 / factor);
  std::vector<float> out;
  for (std::size_t i = 0; i < count; ++i) {
    const float at = place(i, count, n - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, n - 1);
    const float share = at - static_cast<float>(low);
    for (std::size_t q = 0; q < Q; ++q) {
      const float from = rows[low * Q + q], to = rows[high * Q + q];
      out.push_back(from + (to - from) * share);
    }
  }
  return out;
}

Resampling::Resampling(std::span<const float> values, std::int64_t horizon, double factor)
    : values_(values), horizon_(horizon), steps_(horizon), factor_(factor) {
  if (factor == 1) return;
  lower_ = at_lower_rate(values, factor);
  steps_ = static_cast<std::int64_t>(scaled_length(static_cast<std::size_t>(horizon), factor));
}

std::int64_t Resampling::longest_horizon(std::int64_t steps) const {
  auto out = static_cast<std::size_t>(static_cast<double>(steps) / factor_);
  while (scaled_length(out, factor_) > static_cast<std::size_t>(steps)) --out;
  return static_cast<std::int64_t>(out);
}

std::vector<float> Resampling::at_own_rate(std::span<const float> forecast, std::size_t Q) const {
  std::vector<float> out =
      at_higher_rate(forecast.first(static_cast<std::size_t>(steps_) * Q), Q, factor_);
  out.resize(static_cast<std::size_t>(horizon_) * Q);
  return out;
}

}  // namespace xlstm::tirex
