// Rows with a trend are forecast by their differences.
#pragma once

#include <span>

#include "xlstm/forecast/series.h"

namespace xlstm::tirex2 {

// Whether a line explains the row: the fit of the standardised values (float64, missing ones left
// out) rises or falls by 1.5 or more over all positions, with r^2 of 0.87 or more.
bool has_trend(std::span<const float> values);

// d_0 = 0, d_t = x_t - x_(t-1); missing where either is.
Values differences(std::span<const float> values);
float difference(float x, float before);  // at most the largest float

// The last value that is not missing; 0 if none.
float last_value(std::span<const float> values);

}  // namespace xlstm::tirex2
