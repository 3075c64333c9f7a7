// Logits -> the next token. Everything stays in arrays, so that on a GPU the next step can be
// queued before this token is read.
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
//
// Bias and penalties come first because they correct the model's logits; temperature comes before
// the cuts so that top_p and min_p speak of the distribution that is drawn from (the Hugging Face
// library's order too); top_k comes before top_p, whose mass is then that of the k tokens left.
struct Sampling {
  std::map<TokenId, float> logit_bias = {};  // added to the logits; finite, or -inf for "never"
  float repetition_penalty = 1.0F;           // > 0; logits of seen tokens: l > 0 ? l / p : l * p
  float presence_penalty = 0.0F;             // subtracted once from seen tokens
  float frequency_penalty = 0.0F;            // subtracted as often as a token was seen
  float temperature = 1.0F;  // >= 0; 0 is greedy: the cuts and the seed play no part
  int top_k = 0;             // 0: off
  float top_p = 1.0F;        // (0, 1]; smallest set of tokens with this mass, at least 1
  float min_p = 0.0F;        // [0, 1]; drops tokens below min_p * the likeliest
  std::optional<std::uint64_t> seed = {};  // same seed, same text on the same build
};

// Throws Error(kUsage) naming the field, what was wanted and what was given.
void check(const Sampling& sampling, std::int64_t V);

// One step of the chain: logits [B, V] float32 and how often each token was seen, [1 or B, V]
// float32 -> logits [B, V]; -inf marks a token that must not be chosen, before and after.
// Composable in any order. A step is made with the range check of its Sampling field, so it throws
// as check() does; neutral values give the identity.
using LogitsStep =
    std::function<mlx::core::array(const mlx::core::array& logits, const mlx::core::array& seen)>;

LogitsStep add_logit_bias(const std::map<TokenId, float>& bias, std::int64_t V);
LogitsStep mask_tokens(const std::vector<TokenId>& never, std::int64_t V);
LogitsStep repetition_penalty(float penalty);
LogitsStep presence_penalty(float penalty);
LogitsStep frequency_penalty(float penalty);
LogitsStep temperature(float temperature);  // > 0; also moves the largest logit to 0
LogitsStep top_k(int k);                    // of equal logits the lower id stays
LogitsStep top_p(float p);                  // of equal logits the lower id stays
LogitsStep min_p(float p);

// A chain made from Sampling, with its random key and its counts of seen tokens. Sequence-wise
// state: one Sampler for one generation of B sequences.
class Sampler {
 public:
  // `never` are ids that must not be chosen (vocabulary rows without a token). Throws as check()
  // does, and when bias and `never` together leave no token to choose.
  Sampler(const Sampling& sampling, std::int64_t V, const std::vector<TokenId>& never = {});

  // Counts tokens, ids in [0, V), as seen by every sequence (prompt tokens, say) without choosing.
  void see(const std::vector<TokenId>& tokens);

  // logits [B, V] -> tokens [B] int32; the chosen tokens count as seen.
  mlx::core::array sample(const mlx::core::array& logits);

  std::uint64_t seed() const { return seed_; }  // given, or made up (below 2^32) where none was

 private:
  mlx::core::array next_key();

  std::int64_t V_;
  bool greedy_;
  bool counts_;  // whether a penalty asks for seen_
  std::uint64_t seed_;
  std::vector<LogitsStep> chain_;
  mlx::core::array key_;   // [2] uint32
  mlx::core::array seen_;  // [1 or B, V] float32
};

}  // namespace xlstm
