// How the next token is chosen from logits.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace xlstm {

// Applied in the order of the fields. Neutral values switch a part off.
//
// Bias and penalties come first because they correct the model's logits; temperature comes before
// the cuts so that top_p and min_p speak of the distribution that is drawn from (the Hugging Face
// library's order too); top_k comes before top_p, whose mass is then that of the k tokens left.
struct Sampling {
  std::map<std::int32_t, float> logit_bias = {};  // added to the logits; finite, or -inf: never
  float repetition_penalty = 1.0F;  // > 0; logits of seen tokens: l > 0 ? l / p : l * p
  float presence_penalty = 0.0F;    // subtracted once from seen tokens
  float frequency_penalty = 0.0F;   // subtracted as often as a token was seen
  float temperature = 1.0F;         // >= 0; 0 is greedy: the cuts and the seed play no part
  int top_k = 0;                    // 0: off; of equal logits the lower id stays
  float top_p = 1.0F;  // (0, 1]; the likeliest tokens with this mass together, at least 1
  float min_p = 0.0F;  // [0, 1]; drops tokens below min_p * the likeliest
  std::optional<std::uint64_t> seed = {};  // same seed, same text on the same build and device

  bool is_greedy() const { return temperature == 0.0F; }
  bool counts_tokens() const {
    return repetition_penalty != 1.0F || presence_penalty != 0.0F || frequency_penalty != 0.0F;
  }
};

// Throws Error(kUsage) naming the field, what was wanted and what was given; also where bias and
// `never` together leave none of the V tokens. A wrong value is told of even where a greedy run
// does not look at it.
void check(const Sampling& sampling, std::int64_t V, std::span<const std::int32_t> never = {});

// Throws Error(kUsage) that names `where` unless all ids are in [0, V).
void check_ids(std::string_view where, std::span<const std::int32_t> ids, std::int64_t V);

// Below 2^32, so that a person can type it again.
std::uint64_t random_seed();

// The ids that one row may get, as bits: id is bit id % 64 of word id / 64, ceil(V / 64) words;
// what lies behind the last id does not matter. Empty: all. Other ids are as if their logits were
// -inf.
using AllowedIds = std::span<const std::uint64_t>;

// What stands for a token where none can be chosen.
inline constexpr std::int32_t kNoToken = -1;

// Chooses the tokens of one sequence, one after the other: what it was asked for, which tokens were
// seen, and the state of its random numbers. Made by Backend::sampler(), which must outlive it, and
// used by Backend::sample().
class Sampler {
 public:
  virtual ~Sampler() = default;

  virtual std::int64_t V() const = 0;  // the vocabulary that it was made for

  // Counts tokens, ids in [0, V), as seen (a prompt's, say) without choosing.
  virtual void see(std::span<const std::int32_t> tokens) = 0;

  // A sampler of its own that goes on as this one would: the same counts, the same random numbers.
  virtual std::unique_ptr<Sampler> clone() const = 0;
  // The same counts, and the random numbers of another seed, from their start.
  virtual std::unique_ptr<Sampler> clone(std::uint64_t seed) const = 0;

 protected:
  Sampler() = default;
  Sampler(const Sampler&) = default;
  Sampler& operator=(const Sampler&) = delete;
};

}  // namespace xlstm
