#include "xlstm/forecast/tirex2/scaler.h"

#include <algorithm>
#include <cmath>

#include "xlstm/forecast/tirex2/float_range.h"

namespace xlstm::tirex2 {
namespace {

constexpr double kMostBeforeSinh = 20;

}  // namespace

RowScale scale_of(std::span<const float> values, const SeriesSpec& spec) {
  double sum = 0, count = 0;
  bool is_binary = spec.binary_aware;
  for (const float x : values) {
    if (std::isnan(x)) continue;
    sum += x;
    ++count;
    is_binary = is_binary && (x == 0 || x == 1);
  }
  if (is_binary || count == 0) return {0, 1, is_binary};
  const double loc = sum / count;
  double squares = 0;
  for (const float x : values) {
    if (!std::isnan(x)) squares += (x - loc) * (x - loc);
  }
  const auto deviation = static_cast<float>(std::sqrt(squares / count));
  // Of infinite values there is no scale: NaN, not the least one.
  const float scale = deviation < spec.scale_eps ? spec.scale_eps : deviation;
  return {static_cast<float>(loc), scale, false};
}

float scaled(float x, const RowScale& scale, const SeriesSpec& spec) {
  if (scale.is_binary) return x;
  const double u = (static_cast<double>(x) - scale.loc) / scale.scale;
  return to_value(spec.use_arcsinh ? std::asinh(u) : u);
}

float unscaled(float y, const RowScale& scale, const SeriesSpec& spec) {
  const bool is_plain = scale.is_binary || !spec.use_arcsinh;
  const double z = y;
  const double v = is_plain ? z : std::sinh(std::clamp(z, -kMostBeforeSinh, kMostBeforeSinh));
  return to_value(v * scale.scale + scale.loc);
}

}  // namespace xlstm::tirex2
