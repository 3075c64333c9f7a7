// How well a model predicts a text.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "xlstm/model/model.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

struct Perplexity {
  double perplexity = 0;  // exp of the mean negative log-likelihood per predicted token
  // Of the perplexity: perplexity * sd(nll) / sqrt(tokens). One token has none.
  std::optional<double> standard_error = {};
  double mean_nll = 0;      // nats
  std::int64_t tokens = 0;  // predicted: all but the first
  double seconds = 0;
  double tokens_per_second = 0;
};

// `ids` as one sequence with carried state; the first is read and not predicted (put BOS there).
// Needs at least two ids, each in [0, V), else throws Error(kUsage). Memory does not grow with the
// text. Throws Error(kModel), saying near which token, where a likelihood is not finite.
//
// on_progress gets the number of tokens predicted so far, first 0, then after every segment. It may
// throw to stop, so that a stop waits for one segment at most.
//
// `segment` is how many tokens are read at once; it changes rounding only. 0: chosen so that the
// logits of a segment stay small.
Perplexity perplexity(const Model& model, const std::vector<TokenId>& ids,
                      const std::function<void(std::int64_t)>& on_progress = {},
                      std::int64_t segment = 0);

// Of several texts, each a sequence by itself, read side by side; and of all their tokens together.
// Errors as above, with the text's number. on_progress gets the tokens predicted in all.
struct Perplexities {
  std::vector<Perplexity> of_text;  // their seconds are those of the whole
  Perplexity total;
};
Perplexities perplexities(const Model& model, std::span<const std::vector<TokenId>> texts,
                          const std::function<void(std::int64_t)>& on_progress = {});

}  // namespace xlstm
