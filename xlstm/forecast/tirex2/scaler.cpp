#include "xlstm/forecast/tirex2/scaler.h"

#include <algorithm>
#include <cmath>

namespace xlstm::tirex2 {
namespace {

constexpr float kMostBeforeSinh = 20.0F;

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
  const float u = (x - scale.loc) / scale.scale;
  return spec.use_arcsinh ? std::asinh(u) : u;
}

float unscaled(float y, const RowScale& scale, const SeriesSpec& spec) {
  const bool is_plain = scale.is_binary || !spec.use_arcsinh;
  const float v = is_plain ? y : std::sinh(std::clamp(y, -kMostBeforeSinh, kMostBeforeSinh));
  return v * scale.scale + scale.loc;
}

}  // namespace xlstm::tirex2
