// The table of families that forecast: each adds its own here.
#include <algorithm>
#include <vector>

#include "xlstm/forecast/forecast_model.h"

namespace xlstm {

const ForecastFamily* find_forecast_family(std::string_view name) {
  static const std::vector<ForecastFamily> kFamilies = {};
  const auto found = std::ranges::find(kFamilies, name, &ForecastFamily::name);
  return found == kFamilies.end() ? nullptr : &*found;
}

}  // namespace xlstm
