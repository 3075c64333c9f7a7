// A request's prompt -> tokens, told and interruptible as its reading is.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "xlstm/engine/engine.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

struct PromptTokens {
  std::vector<TokenId> ids;
  std::size_t leading = 0;  // ids at the start that are not of the text: 1 where BOS was added
  double reported = 0;      // the share that on_prompt_progress was given last
};

// BOS comes first where `bos` is one and the text does not say so itself. A long prompt tells
// on_prompt_progress up to the share that this takes of its reading, one in a hundred. Nothing if
// request.cancelled said so. Throws Error(kUsage) where the prompt is not UTF-8.
std::optional<PromptTokens> prompt_tokens(const Tokenizer& tokenizer,
                                          const std::optional<TokenId>& bos,
                                          const Request& request);

// Those of request.prompt_ids. Throws Error(kUsage) where the request has a text too.
std::optional<PromptTokens> given_tokens(const Request& request);

}  // namespace xlstm
