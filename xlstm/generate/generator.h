// The loop that turns a prompt into tokens: prefill, then steps, each queued before the last is read.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "xlstm/generate/sampling.h"
#include "xlstm/model/model.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

enum class StopReason { kMaxTokens, kEndToken, kStopString, kCancelled };
std::string_view name_of(StopReason reason);  // "max_tokens", "end_token", "stop_string", "cancelled"

struct GenerateOptions {
  std::int64_t max_tokens = 50;  // >= 0
  Sampling sampling;
  std::vector<std::string> stop;    // texts that end the answer; they are not shown
  std::vector<TokenId> end_tokens;  // tokens that end it; not shown
};

// What a run took.
struct Statistics {
  std::int64_t prompt_tokens = 0;
  std::int64_t generated_tokens = 0;
  double load_seconds = 0;             // of the model, once
  double prefill_seconds = 0;
  double decode_seconds = 0;           // after the first token
  double first_token_seconds = 0;      // from the call to the first token read
  std::uint64_t peak_bytes = 0;        // peak resident or device memory, whichever is larger
  std::uint64_t bytes_per_token = 0;   // weights and state moved per decoded token
  double prefill_tokens_per_second() const;
  double decode_tokens_per_second() const;
};

struct Generated {
  std::string text;                // all that was passed to on_text
  std::vector<TokenId> tokens;     // all that were chosen, an end token included
  StopReason reason = StopReason::kMaxTokens;
  std::uint64_t seed = 0;          // that was used
  Statistics statistics;
};

// Gets each piece of text as soon as it is certain (never half a character, never a part of a stop
// string). Return false to stop.
using OnText = std::function<bool(std::string_view text)>;

// Reads `prompt` (at least one token; ids checked against V) into `state`, then generates. On return
// `state` has read the prompt and every generated token, whatever ended the run; if an exception
// leaves, `state` is as it was before the call.
Generated generate(const Model& model, const Tokenizer& tokenizer, ModelState& state,
                   const std::vector<TokenId>& prompt, const GenerateOptions& options,
                   const OnText& on_text = {});

}  // namespace xlstm
