// The likeliest tokens of a row of logits, as a model sees them: before temperature, penalties and
// cuts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/backend/tensor.h"

namespace xlstm {

struct TopTokens {
  // Likeliest first, of equals the lower id; without tokens of no probability. None where a logit
  // of the row is NaN or +inf, or all are -inf.
  std::vector<std::int32_t> ids;
  std::vector<float> log_probabilities;  // of ids: log softmax(logits), in nats
  float chosen = 0;                      // of the token asked for; NaN where there is none
};

// Of logits [V], n tokens or fewer. The definition: in float64.
TopTokens top_tokens_of(std::span<const float> logits, std::int32_t chosen, std::size_t n);

// Throws Error(kInternal) unless logits are [T, V] float32, T as many as `chosen`, and
// Error(kUsage) for a chosen id outside [0, V) that is not kNoToken.
void check_top_tokens(const Tensor& logits, std::span<const std::int32_t> chosen);

}  // namespace xlstm
