// Which tokens begin and end a model's texts, from all the files that say so.
#pragma once

#include <optional>
#include <vector>

#include "xlstm/text/tokenizer.h"
#include "xlstm/wiring/plan.h"

namespace xlstm {

// The tokenizer's own, else the plan's (config.json, generation_config.json), else one with a
// well-known name; an id in [0, V) with a token.
std::optional<TokenId> begin_token(const Tokenizer& tokenizer, const Plan& plan);

// All that end an answer: those that the tokenizer's files name, and those of the plan, of which an
// ordinary token (the 7B model's config.json names "!") counts only where nothing else is named. A
// token with a well-known name counts where nothing at all is. Ids in [0, V), each once.
std::vector<TokenId> end_tokens(const Tokenizer& tokenizer, const Plan& plan);

}  // namespace xlstm
