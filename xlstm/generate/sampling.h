// Logits -> the next token. Everything stays in MLX's graph, so that the next step can be queued
// before this token is read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "mlx/array.h"
#include "xlstm/text/tokenizer.h"

namespace xlstm {

// Applied in the order of the fields. Neutral values switch a part off.
struct Sampling {
  std::map<TokenId, float> logit_bias;  // added to the logits
  float repetition_penalty = 1.0F;      // > 0; logits of seen tokens: l > 0 ? l / p : l * p
  float presence_penalty = 0.0F;        // subtracted once from seen tokens
  float frequency_penalty = 0.0F;       // subtracted as often as a token was seen
  float temperature = 1.0F;             // >= 0; 0 is greedy
  int top_k = 0;                        // 0: off
  float top_p = 1.0F;                   // (0, 1]; smallest set of tokens with this mass, at least 1
  float min_p = 0.0F;                   // [0, 1]; drops tokens below min_p * the likeliest
  std::optional<std::uint64_t> seed;    // same seed, same text on the same build
};

// Throws Error(kUsage) naming the field, what was wanted and what was given.
void check(const Sampling& sampling, std::int64_t V);

// One step of the chain: logits [B, V] float32 and how often each token was seen [B, V] float32 ->
// logits [B, V]; -inf marks a token that must not be chosen. Composable in any order.
using LogitsStep =
    std::function<mlx::core::array(const mlx::core::array& logits, const mlx::core::array& seen)>;

LogitsStep add_logit_bias(const std::map<TokenId, float>& bias, std::int64_t V);
LogitsStep mask_tokens(const std::vector<TokenId>& never, std::int64_t V);
LogitsStep repetition_penalty(float penalty);
LogitsStep presence_penalty(float penalty);
LogitsStep frequency_penalty(float penalty);
LogitsStep temperature(float temperature);  // > 0
LogitsStep top_k(int k);
LogitsStep top_p(float p);
LogitsStep min_p(float p);

// A chain made from Sampling, with its random key and its counts of seen tokens. Sequence-wise state:
// one Sampler for one generation of B sequences.
class Sampler {
 public:
  // `never` are ids that must not be chosen (vocabulary rows without a token).
  Sampler(const Sampling& sampling, std::int64_t V, const std::vector<TokenId>& never = {});

  // Counts tokens as seen (prompt tokens, say) without choosing.
  void see(const std::vector<TokenId>& tokens);

  // logits [B, V] -> tokens [B] int32, lazily; the chosen tokens count as seen.
  mlx::core::array sample(const mlx::core::array& logits);

  std::uint64_t seed() const { return seed_; }

 private:
  Sampling sampling_;
  std::int64_t V_;
  std::uint64_t seed_;
  std::vector<LogitsStep> chain_;
  mlx::core::array key_;
  mlx::core::array seen_;  // [1 or B, V]
};

}  // namespace xlstm
