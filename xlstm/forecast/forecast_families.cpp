// The table of families that forecast: each adds its own here.
#include <algorithm>
#include <array>

#include "xlstm/forecast/forecast_model.h"
#include "xlstm/forecast/tirex/tirex_model.h"
#include "xlstm/forecast/tirex2/tirex2_model.h"

namespace xlstm {

const ForecastFamily* find_forecast_family(std::string_view name) {
  static const std::array kFamilies = {ForecastFamily{"tirex", tirex::load_forecast_model},
                                       ForecastFamily{"tirex-2", tirex2::load_forecast_model}};
  const auto found = std::ranges::find(kFamilies, name, &ForecastFamily::name);
  return found == kFamilies.end() ? nullptr : &*found;
}

}  // namespace xlstm
