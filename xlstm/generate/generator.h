// One sequence by itself: a batch of one.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "xlstm/generate/sequence.h"

namespace xlstm {

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
Completion generate(const Model& model, const Tokenizer& tokenizer, State& state,
                    const std::vector<TokenId>& prompt, const GenerateOptions& options,
                    const OnText& on_text = {});

}  // namespace xlstm
