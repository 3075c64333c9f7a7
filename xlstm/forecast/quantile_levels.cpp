#include "xlstm/forecast/quantile_levels.h"

#include <algorithm>

namespace xlstm {
namespace {

// value = (1 - share) * own[low] + share * own[low + 1]
struct Place {
  std::size_t low = 0;
  float share = 0;
};

Place place_of(float level, const std::vector<float>& own) {
  const auto above = std::ranges::upper_bound(own, level);
  if (above == own.begin()) return {0, 0};
  const auto low = static_cast<std::size_t>(above - own.begin()) - 1;
  if (above == own.end()) return {low, 0};
  return {low, (level - own[low]) / (own[low + 1] - own[low])};
}

}  // namespace

Forecast at_levels(Forecast forecast, const std::vector<float>& levels) {
  if (levels.empty() || levels == forecast.levels) return forecast;
  Forecast out{levels, forecast.horizon, {}};
  out.values.reserve(static_cast<std::size_t>(forecast.horizon) * levels.size());
  std::vector<Place> places;
  for (const float level : levels) places.push_back(place_of(level, forecast.levels));
  for (std::int64_t step = 0; step < forecast.horizon; ++step) {
    for (const Place& place : places) {
      const float low = forecast.at(step, place.low);
      const float high = place.share > 0 ? forecast.at(step, place.low + 1) : low;
      out.values.push_back(low + place.share * (high - low));
    }
  }
  return out;
}

}  // namespace xlstm
