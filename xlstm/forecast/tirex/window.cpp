#include "xlstm/forecast/tirex/window.h"

#include <algorithm>
#include <cmath>

namespace xlstm::tirex {
namespace {

constexpr double kLeastScale = 1e-5;  // beside |loc|, of values that are all equal

}  // namespace

Scale scale_of(std::span<const float> values) {
  double sum = 0, squares = 0;
  std::int64_t count = 0;
  for (const float x : values) {
    if (std::isnan(x)) continue;
    sum += x;
    ++count;
  }
  if (count == 0) return {};
  const double loc = sum / static_cast<double>(count);
  for (const float x : values) {
    if (!std::isnan(x)) squares += (x - loc) * (x - loc);
  }
  const double scale = std::sqrt(squares / static_cast<double>(count));
  return {loc, scale == 0 ? std::abs(loc) + kLeastScale : scale};
}

std::int64_t padding_of(std::int64_t count, std::int64_t missing, std::int64_t context) {
  return std::max<std::int64_t>(0, context - missing - count);
}

std::int64_t most_patches(std::span<const float> values, std::int64_t context, std::int64_t P,
                          std::int64_t accelerated) {
  const std::int64_t read = std::min(std::ssize(values), context);
  std::int64_t gap = 0;  // missing values at the end
  while (gap < read && std::isnan(values[values.size() - 1 - static_cast<std::size_t>(gap)])) ++gap;
  if (gap == read) gap = 0;
  const std::int64_t more = (context - gap - 1) / (accelerated * P);  // passes behind the first
  return (more + 1) * accelerated;
}

Window window_of(std::span<const float> values, std::int64_t missing, std::int64_t context,
                 std::int64_t P) {
  const std::int64_t behind = std::min(missing, context);
  const std::int64_t own = std::min(std::ssize(values), context - behind);
  values = values.last(static_cast<std::size_t>(own));

  Window out{scale_of(values), padding_of(own, behind, context), {}};
  out.tokens.assign(static_cast<std::size_t>(2 * context), 0);
  for (std::int64_t i = 0; i < own; ++i) {
    const float x = values[static_cast<std::size_t>(i)];
    if (std::isnan(x)) continue;
    const std::int64_t at = out.padding + i;
    float* const token = out.tokens.data() + at / P * 2 * P;
    token[at % P] = static_cast<float>((x - out.scale.loc) / out.scale.scale);
    token[P + at % P] = 1;
  }
  return out;
}

}  // namespace xlstm::tirex
