#include "xlstm/generate/log_probabilities.h"

#include <algorithm>
#include <cmath>

namespace xlstm {
namespace {

double log_sum_exp(std::span<const float> logits) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - most);
  return most + std::log(sum);
}

}  // namespace

LogProbabilities log_probabilities(std::span<const float> logits, std::int32_t chosen, int n) {
  const double log_sum = log_sum_exp(logits);
  const auto of = [&](std::int32_t id) {
    return static_cast<float>(logits[static_cast<std::size_t>(id)] - log_sum);
  };
  LogProbabilities out = {of(chosen), {}};
  std::vector<std::int32_t> ids(logits.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>(i);
  const auto end = ids.begin() + std::min<std::ptrdiff_t>(n, std::ssize(ids));
  std::partial_sort(ids.begin(), end, ids.end(), [&](std::int32_t a, std::int32_t b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  for (auto id = ids.begin(); id != end; ++id) out.top.push_back({*id, of(*id)});
  return out;
}

}  // namespace xlstm
