// How values of a row become numbers that the network reads, and back.
#pragma once

#include <span>

#include "xlstm/forecast/series.h"
#include "xlstm/wiring/families/tirex2/tirex2.h"

namespace xlstm::tirex2 {

struct RowScale {
  float loc = 0, scale = 1;
  bool is_binary = false;  // every value there is 0 or 1, so none was scaled
};

// Mean and standard deviation (population) of the values that are not missing, known future
// included; those of a row without values are 0 and 1.
RowScale scale_of(std::span<const float> values, const SeriesSpec& spec);

// (x - loc) / scale, asinh of it where the model wants that; of a binary row x. In float64, as is
// the other way: between finite values nothing overflows.
float scaled(float x, const RowScale& scale, const SeriesSpec& spec);
// The other way, for what the network answers; sinh sees at most 20.
float unscaled(float y, const RowScale& scale, const SeriesSpec& spec);

}  // namespace xlstm::tirex2
