// How likely tokens are by a model's logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/generate/completion.h"

namespace xlstm {

struct LogProbabilities {
  float chosen = 0;                   // natural logarithm
  std::vector<TokenProbability> top;  // the likeliest first, of equals the lower id
};

// Of logits [V], all of them numbers: log softmax at `chosen`, and the `n` largest.
LogProbabilities log_probabilities(std::span<const float> logits, std::int32_t chosen, int n);

}  // namespace xlstm
