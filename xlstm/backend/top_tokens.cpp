#include "xlstm/backend/top_tokens.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "xlstm/backend/check.h"
#include "xlstm/backend/sampling.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// log sum exp; NaN where there is no softmax.
double log_sum_of(std::span<const float> logits) {
  double most = -std::numeric_limits<double>::infinity();
  for (const float l : logits) {
    if (std::isnan(l)) return kNan;
    most = std::max<double>(most, l);
  }
  if (!std::isfinite(most)) return kNan;
  double sum = 0;
  for (const float l : logits) sum += std::exp(l - most);
  return most + std::log(sum);
}

}  // namespace

TopTokens top_tokens_of(std::span<const float> logits, std::int32_t chosen, std::size_t n) {
  const double log_sum = log_sum_of(logits);
  const auto log_probability = [&](std::int32_t id) {
    return static_cast<float>(logits[static_cast<std::size_t>(id)] - log_sum);
  };
  TopTokens top;
  top.chosen = chosen == kNoToken ? static_cast<float>(kNan) : log_probability(chosen);
  if (std::isnan(log_sum)) return top;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (std::isfinite(logits[id])) top.ids.push_back(static_cast<std::int32_t>(id));
  }
  n = std::min(n, top.ids.size());
  std::partial_sort(top.ids.begin(), top.ids.begin() + static_cast<std::ptrdiff_t>(n),
                    top.ids.end(), [&](std::int32_t a, std::int32_t b) {
                      const float x = logits[static_cast<std::size_t>(a)],
                                  y = logits[static_cast<std::size_t>(b)];
                      return x != y ? x > y : a < b;
                    });
  top.ids.resize(n);
  for (const std::int32_t id : top.ids) top.log_probabilities.push_back(log_probability(id));
  return top;
}

void check_top_tokens(const Tensor& logits, std::span<const std::int32_t> chosen) {
  check_axes("top_tokens", "logits", logits, 2);
  check_dtype("top_tokens", "logits", logits, DType::kF32);
  check_shape(
      "top_tokens", "logits", logits,
      {static_cast<std::int64_t>(chosen.size()), std::max<std::int64_t>(1, logits.shape()[1])});
  for (const std::int32_t id : chosen) {
    if (id == kNoToken || (id >= 0 && id < logits.shape()[1])) continue;
    fail_wanted(ErrorKind::kUsage, "top_tokens",
                str("token ids in [0, ", logits.shape()[1], "), or ", kNoToken), str(id));
  }
}

}  // namespace xlstm
