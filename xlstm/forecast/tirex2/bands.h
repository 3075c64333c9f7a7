// From the network's quantiles to those of the answer, in float64: of finite ones finite ones.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace xlstm::tirex2 {

// Quantiles [Q, H] of one row, step after step of each level.
struct Quantiles {
  std::size_t Q = 0, H = 0;
  std::vector<float> values;

  float& at(std::size_t q, std::size_t t) { return values[q * H + t]; }
  float at(std::size_t q, std::size_t t) const { return values[q * H + t]; }
};

// Distances from the median, times sqrt(0.9) t^0.02 at step t = 1, ..., H.
void widen_band(Quantiles& y);

// Quantiles of differences become those of values that follow `last`: the median's sum, and around
// it the root of the sum of the squared distances, sqrt(1.68) t^0.01 times, on the side on which
// the level lies over all H steps together.
void integrate(Quantiles& y, float last);

// The mean of a and of the forecast b of the negated row, whose level 1 - q answers for q.
// `mirrored`: for each level the index of that one.
void average_with_mirrored(Quantiles& a, const Quantiles& b, std::span<const std::size_t> mirrored);

// For each level the index of 1 - it; none where a level has no such.
std::optional<std::vector<std::size_t>> mirrored_levels(std::span<const float> levels);

}  // namespace xlstm::tirex2
