#include "xlstm/wiring/quantile_levels.h"

#include "xlstm/base/error.h"

namespace xlstm {

std::vector<float> read_quantile_levels(const ConfigFile& file, ConfigKeys& keys) {
  const auto found = file.root.find("quantiles");
  if (found == file.root.end() || !found->is_array() || found->empty()) {
    keys.refuse("quantiles", "wants a list of levels");
    return {};
  }
  std::vector<float> levels;
  for (const Json& level : *found) {
    const double given = level.is_number() ? level.get<double>() : -1;
    const float value = given > 0 && given < 1 ? static_cast<float>(given) : -1;
    if (!(value > 0 && value < 1) || (!levels.empty() && value <= levels.back())) {
      keys.refuse("quantiles", str("wants rising levels between 0 and 1, got ", described(level)));
      return {};
    }
    levels.push_back(value);
  }
  return levels;
}

}  // namespace xlstm
