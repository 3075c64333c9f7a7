#include <algorithm>
#include <cmath>

#include "xlstm/base/error.h"
#include "xlstm/series/plot.h"

namespace xlstm {

PlotRange range_of(const PlotPanel& panel) {
  bool any = false;
  PlotRange out;
  const auto widen = [&](const std::vector<float>& values) {
    for (const float value : values) {
      if (!std::isfinite(value)) continue;
      out.low = any ? std::min<double>(out.low, value) : value;
      out.high = any ? std::max<double>(out.high, value) : value;
      any = true;
    }
  };
  widen(panel.history);
  widen(panel.median);
  for (const PlotBand& band : panel.bands) {
    widen(band.low);
    widen(band.high);
  }
  if (!any) return {};
  constexpr double kRoom = 0.04;  // of the range, at both ends
  const double range = out.high - out.low;
  const double room = range > 0 ? range * kRoom : std::max(std::abs(out.high) * kRoom, 1e-6);
  return {out.low - room, out.high + room};
}

std::string band_name(const PlotBand& band) {
  const auto percent = [](float level) { return str(std::round(1000.0 * level) / 10); };
  return str(percent(band.low_level), "-", percent(band.high_level), "%");
}

}  // namespace xlstm
