// Quantiles at levels that are not the model's own.
#pragma once

#include <vector>

#include "xlstm/forecast/series.h"

namespace xlstm {

// The forecast at `levels` (none: as it is): between two of its own interpolated linearly in the
// level; below the first and above the last, those.
Forecast at_levels(Forecast forecast, const std::vector<float>& levels);

}  // namespace xlstm
