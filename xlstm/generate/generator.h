// The loop that turns a prompt into tokens: prefill, then steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/backend/sampling.h"
#include "xlstm/backend/state.h"
#include "xlstm/generate/statistics.h"
#include "xlstm/model/model.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

enum class StopReason { kMaxTokens, kEndToken, kStopString, kCancelled };
std::string_view name_of(
    StopReason reason);  // "max_tokens", "end_token", "stop_string", "cancelled"

struct GenerateOptions {
  std::int64_t max_tokens = 50;  // >= 0; 0 reads the prompt only
  Sampling sampling = {};
  // Texts that end the answer; they are not shown. Those of hidden tokens in them are met by the
  // tokens.
  std::vector<std::string> stop = {};
  std::vector<TokenId> end_tokens = {};  // tokens that end it; not shown
  std::size_t uncounted = 0;             // tokens at the prompt's start that penalties do not count
  // Whether the last token is read into the state, too: costs a step, and is only needed by whoever
  // goes on from there.
  bool read_last = true;
  // Asked between the prompt's segments and after every token; true ends the run. For stops from
  // outside, which cannot wait for the next piece of text.
  std::function<bool()> cancelled = {};
  // Told between the prompt's segments what share of it, 0 to 1, has been read.
  std::function<void(double)> on_prompt_progress = {};
};

struct Generated {
  std::string text;             // all that was passed to on_text
  std::vector<TokenId> tokens;  // all that were chosen, an end token included
  StopReason reason = StopReason::kMaxTokens;
  std::uint64_t seed = 0;  // that was used
  Statistics statistics;
};

// Gets each piece of text as soon as it is certain (never half a character, never a part of a stop
// string). Return false to stop.
using OnText = std::function<bool(std::string_view text)>;

// Reads `prompt` into `state`, then generates. The prompt may be empty where the
// state has read something: the answer then goes on from there. Penalties count the tokens of
// `prompt`, but the `uncounted` ones, and those chosen; rows of the vocabulary without a token are
// never chosen. On return `state` has read the prompt and every generated token, whatever ended the
// run (but for the last one where options say so; a lazy backend may still be computing it). A run
// cancelled within the prompt has read its first statistics.prompt_tokens tokens. If an exception
// leaves, `state` is as it was before the call.
//
// Throws Error(kUsage) for an empty prompt at the start of a sequence or on a state without
// next_logits, ids outside [0, V), options out of range;
// Error(kModel), saying after which token, when the model's logits are not finite.
Generated generate(const Model& model, const Tokenizer& tokenizer, State& state,
                   const std::vector<TokenId>& prompt, const GenerateOptions& options,
                   const OnText& on_text = {});

}  // namespace xlstm
