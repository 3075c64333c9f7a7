// Where an axis has marks, and what stands beside them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "xlstm/series/timeline.h"

namespace xlstm {

struct Tick {
  double at;
  std::string label;
};

// Multiples of 1, 2 or 5 times a power of ten from `low` to `high`, at most `most` (at least 2).
// Of a range that is empty or not finite, its one value.
std::vector<Tick> number_ticks(double low, double high, std::size_t most);

// Moments first, ..., first + count - 1 of a timeline, at most `most`: where years, months, days or
// hours begin, as many as there is room for. `at` is the moment's index. Without a timeline the
// indices themselves, counted from 1.
std::vector<Tick> time_ticks(const std::optional<Timeline>& times, std::int64_t first,
                             std::int64_t count, std::size_t most);

}  // namespace xlstm
