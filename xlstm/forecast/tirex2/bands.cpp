#include "xlstm/forecast/tirex2/bands.h"

#include <cmath>

#include "xlstm/forecast/tirex2/float_range.h"

namespace xlstm::tirex2 {
namespace {

constexpr double kBandScale = 0.90, kBandExponent = 0.52 - 0.5;
constexpr double kTrendScale = 1.68, kTrendExponent = 0.51 - 0.5;
constexpr double kLevelTolerance = 1e-6;

double step_number(std::size_t t) {
  return static_cast<double>(t + 1);
}

}  // namespace

void widen_band(Quantiles& y) {
  for (std::size_t t = 0; t < y.H; ++t) {
    const double factor = std::sqrt(kBandScale) * std::pow(step_number(t), kBandExponent);
    const double median = y.at(y.Q / 2, t);
    for (std::size_t q = 0; q < y.Q; ++q) {
      y.at(q, t) = to_value(median + factor * (y.at(q, t) - median));
    }
  }
}

void integrate(Quantiles& y, float last) {
  std::vector<double> medians(y.H);
  for (std::size_t t = 0; t < y.H; ++t) medians[t] = y.at(y.Q / 2, t);
  for (std::size_t q = 0; q < y.Q; ++q) {
    double side = 0;
    for (std::size_t t = 0; t < y.H; ++t) side += y.at(q, t) - medians[t];
    const int sign = (side > 0) - (side < 0);
    double squares = 0, median = 0;
    for (std::size_t t = 0; t < y.H; ++t) {
      const double off = y.at(q, t) - medians[t];
      squares += off * off;
      median += medians[t];
      const double band = sign * std::sqrt(squares) * std::pow(step_number(t), kTrendExponent);
      y.at(q, t) = to_value(median + std::sqrt(kTrendScale) * band + last);
    }
  }
}

void average_with_mirrored(Quantiles& a, const Quantiles& b,
                           std::span<const std::size_t> mirrored) {
  for (std::size_t q = 0; q < a.Q; ++q) {
    for (std::size_t t = 0; t < a.H; ++t) {
      a.at(q, t) = to_value((static_cast<double>(a.at(q, t)) - b.at(mirrored[q], t)) / 2);
    }
  }
}

std::optional<std::vector<std::size_t>> mirrored_levels(std::span<const float> levels) {
  std::vector<std::size_t> out;
  for (const float level : levels) {
    std::size_t best = 0;
    const auto distance = [&](std::size_t j) {
      return std::abs(static_cast<double>(levels[j]) - (1 - static_cast<double>(level)));
    };
    for (std::size_t j = 1; j < levels.size(); ++j) best = distance(j) < distance(best) ? j : best;
    if (distance(best) > kLevelTolerance) return std::nullopt;
    out.push_back(best);
  }
  return out;
}

}  // namespace xlstm::tirex2
