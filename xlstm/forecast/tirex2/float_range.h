// Numbers of float64 as values again.
#pragma once

#include <algorithm>
#include <limits>

namespace xlstm::tirex2 {

// Rounded; the largest float where x is beyond it, as values are finite. NaN stays NaN.
inline float to_value(double x) {
  constexpr double kMost = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(x, -kMost, kMost));
}

}  // namespace xlstm::tirex2
