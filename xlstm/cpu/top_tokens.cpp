#include "xlstm/cpu/top_tokens.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "xlstm/backend/sampling.h"
#include "xlstm/cpu/candidates.h"
#include "xlstm/kernels/choose/choose.h"

namespace xlstm::cpu {
namespace {

// Likeliest first.
std::vector<std::int32_t> likeliest(Candidates& candidates, std::size_t n) {
  if (n == 0) return {};
  candidates.keep_count(n);
  const std::span<const float> logits = candidates.logits();
  std::vector<std::size_t> order;
  for (std::size_t at = 0; at < logits.size(); ++at) {
    if (std::isfinite(logits[at])) order.push_back(at);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  std::vector<std::int32_t> ids;
  for (const std::size_t at : order) ids.push_back(candidates.id(at));
  return ids;
}

}  // namespace

TopTokens find_top_tokens(ThreadPool& pool, std::span<const float> logits, std::int32_t chosen,
                          std::size_t n) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  TopTokens top;
  top.chosen = kNan;
  Candidates candidates(pool, logits);
  if (!std::isfinite(candidates.most())) return top;
  const double log_sum = kernels::log_sum_exp(logits.data(), logits.size());
  const auto log_probability = [&](std::int32_t id) {
    return static_cast<float>(static_cast<double>(logits[static_cast<std::size_t>(id)]) - log_sum);
  };
  if (chosen != kNoToken) top.chosen = log_probability(chosen);
  top.ids = likeliest(candidates, n);
  for (const std::int32_t id : top.ids) top.log_probabilities.push_back(log_probability(id));
  return top;
}

}  // namespace xlstm::cpu
