// What a TiRex model reads of a series: the newest values, scaled, cut into patches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/forecast/series.h"

namespace xlstm::tirex {

// u = (x - loc) / scale has mean 0 and standard deviation 1.
struct Scale {
  double loc = 0, scale = 1;
};

// Of the values that are there: their mean and population standard deviation; 0 and 1 where none
// is. Equal ones have the scale |loc| + 1e-5.
Scale scale_of(std::span<const float> values);

struct Window {
  Scale scale;
  std::int64_t padding = 0;  // missing values before the series' own
  std::vector<float>
      tokens;  // [context / P, 2 * P]: values, 0 where missing; 1 where there, else 0
};

// Missing values that a window begins with, before `count` values of a series and `missing` ones
// behind them.
std::int64_t padding_of(std::int64_t count, std::int64_t missing, std::int64_t context);

// The most patches that can be forecast of the values, `accelerated` a pass, so that a value that
// is there is left in each pass's window; of a window that has none to begin with, as of one that
// is full.
std::int64_t most_patches(std::span<const float> values, std::int64_t context, std::int64_t P,
                          std::int64_t accelerated);

// The last `context` of the values and `missing` ones behind them, with missing ones before them
// where these are fewer. `context` is a multiple of P.
Window window_of(std::span<const float> values, std::int64_t missing, std::int64_t context,
                 std::int64_t P);

}  // namespace xlstm::tirex
