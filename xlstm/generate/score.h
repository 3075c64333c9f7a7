// How likely the tokens of a text are.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "xlstm/model/model.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

struct ScoreOptions {
  // Tokens that are read at once; changes rounding only. 0: chosen so that the logits of a segment
  // stay small.
  std::int64_t segment = 0;
  // Gets the log-probabilities of the tokens that were scored since the last call, those of one
  // segment, with the index of the first among `ids`. It may throw to stop.
  std::function<void(std::size_t first, std::span<const float> log_probabilities)> on_segment = {};
};

// Reads `ids` on from `state` and returns the log-probability of each (natural logarithm), given
// all before it: the first one's too where `state` has read something (next_logits), else from the
// second on. Throws Error(kUsage) for ids outside [0, V), Error(kModel), saying near which token,
// where one is not a number; `state` is as it was then.
std::vector<float> score(const Model& model, State& state, std::span<const TokenId> ids);

// The same without keeping them: memory does not grow with the text.
void score(const Model& model, State& state, std::span<const TokenId> ids,
           const ScoreOptions& options);

// The tokens of several texts, each from the start of a sequence, read side by side: texts of like
// length share the reading of the weights. `on_segment` gets the log-probabilities of some tokens
// of texts[text], ids[first], ids[first + 1], ..., in their order in that text. Errors as above,
// with the text's number.
void score_texts(const Model& model, std::span<const std::vector<TokenId>> texts,
                 const std::function<void(std::size_t text, std::size_t first,
                                          std::span<const float> log_probabilities)>& on_segment);

}  // namespace xlstm
