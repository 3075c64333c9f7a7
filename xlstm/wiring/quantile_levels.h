// The levels that a forecaster's config names.
#pragma once

#include <vector>

#include "xlstm/wiring/config_file.h"

namespace xlstm {

// "quantiles": rising numbers, each between 0 and 1 also as float32. Without such a list a fault,
// and none.
std::vector<float> read_quantile_levels(const ConfigFile& file, ConfigKeys& keys);

}  // namespace xlstm
