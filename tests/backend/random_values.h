// Random numbers for tests of ops, the same at every run.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace xlstm::testing {

inline std::vector<float> uniform(std::int64_t count, float range, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> draw(-range, range);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (float& x : out) x = draw(random);
  return out;
}

}  // namespace xlstm::testing
