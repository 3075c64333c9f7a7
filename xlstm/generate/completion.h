// An answer, and what is told of each of its tokens. Free of other headers of the library but one,
// so that the engine's users need no more than this.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/generate/statistics.h"

namespace xlstm {

enum class StopReason {
  kMaxTokens,
  kEndToken,
  kStopString,
  kCancelled,
  kComplete  // a constraint lets nothing follow
};
// "max_tokens", "end_token", "stop_string", "cancelled", "complete"
std::string_view name_of(StopReason reason);

struct TokenProbability {
  std::int32_t id = 0;
  float log_probability = 0;  // natural logarithm; of the model's logits as they are, before any
                              // sampling parameter
};

// A token, with the text that is certain with it: never half a character, never a part of a stop
// string, so it may be empty, or more than the token's own.
struct TokenEvent {
  std::optional<std::int32_t> id;  // none: the text held back until the end
  std::string_view text;
  // Where they were asked for:
  std::optional<float> log_probability = {};
  std::vector<TokenProbability> top = {};  // the likeliest first; may hold `id` too
};

// Return false to end the answer.
using OnToken = std::function<bool(const TokenEvent& event)>;

// Changes the logits [V] of the token that comes next, in place; -inf forbids one. `tokens` are
// those of the prompt and of the answer so far. It is applied before all sampling parameters.
using LogitsProcessor =
    std::function<void(std::span<const std::int32_t> tokens, std::span<float> logits)>;

struct Completion {
  std::string text;                  // what was certain
  std::vector<std::int32_t> tokens;  // all that were chosen, an end token included
  // Where they were asked for, of each token: its own, and those of the likeliest.
  std::vector<float> log_probabilities = {};
  std::vector<std::vector<TokenProbability>> top = {};
  StopReason stop_reason = StopReason::kMaxTokens;
  std::uint64_t prompt_tokens = 0;  // of the prompt; a call cancelled while it was being read has
                                    // read its first statistics.prompt_tokens. 0 where it was
                                    // cancelled before they were known
  std::uint64_t seed = 0;           // that was used
  Statistics statistics;
};

}  // namespace xlstm
