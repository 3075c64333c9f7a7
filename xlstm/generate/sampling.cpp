#include "xlstm/generate/sampling.h"

#include <cmath>
#include <limits>
#include <random>
#include <set>

#include "mlx/mlx.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/choose.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;

// Making a step checks its field, also where the step is neutral or, in a greedy run, plays no
// part: a wrong value is a mistake to be told of.
std::vector<LogitsStep> make_chain(const Sampling& s, std::int64_t V,
                                   const std::vector<TokenId>& never) {
  std::vector<LogitsStep> chain = {
      mask_tokens(never, V),
      add_logit_bias(s.logit_bias, V),
      repetition_penalty(s.repetition_penalty),
      presence_penalty(s.presence_penalty),
      frequency_penalty(s.frequency_penalty),
  };
  const bool greedy = s.temperature == 0.0F;
  const std::vector<LogitsStep> cuts = {
      temperature(greedy ? 1.0F : s.temperature),
      top_k(s.top_k),
      top_p(s.top_p),
      min_p(s.min_p),
  };
  if (!greedy) chain.insert(chain.end(), cuts.begin(), cuts.end());
  return chain;
}

void check_some_token_left(const Sampling& sampling, std::int64_t V,
                           const std::vector<TokenId>& never) {
  std::set<TokenId> barred(never.begin(), never.end());
  for (const auto& [id, bias] : sampling.logit_bias) {
    if (std::isinf(bias)) barred.insert(id);
  }
  if (static_cast<std::int64_t>(barred.size()) >= V) {
    fail_wanted(ErrorKind::kUsage, "logit_bias", "at least one token that may be chosen", "none");
  }
}

// Below 2^32, so that a person can type it again.
std::uint64_t made_up_seed() {
  return std::random_device()();
}

}  // namespace

void check(const Sampling& sampling, std::int64_t V) {
  make_chain(sampling, V, {});
  check_some_token_left(sampling, V, {});
}

Sampler::Sampler(const Sampling& sampling, std::int64_t V, const std::vector<TokenId>& never)
    : V_(V),
      greedy_(sampling.temperature == 0.0F),
      counts_(sampling.repetition_penalty != 1.0F || sampling.presence_penalty != 0.0F ||
              sampling.frequency_penalty != 0.0F),
      seed_(sampling.seed ? *sampling.seed : made_up_seed()),
      chain_(make_chain(sampling, V, never)),
      key_(mx::random::key(seed_)),
      seen_(mx::zeros({1, static_cast<int>(V)})) {
  check_some_token_left(sampling, V, never);
}

void Sampler::see(const std::vector<TokenId>& tokens) {
  for (const TokenId id : tokens) {
    if (id < 0 || id >= V_) {
      fail_wanted(ErrorKind::kUsage, "see", str("token ids in [0, ", V_, ")"), str(id));
    }
  }
  if (!counts_ || tokens.empty()) return;
  std::vector<float> count(static_cast<std::size_t>(V_), 0.0F);
  for (const TokenId id : tokens) count[static_cast<std::size_t>(id)] += 1.0F;
  seen_ = seen_ + mx::array(count.begin(), {1, static_cast<int>(V_)});
}

mx::array Sampler::next_key() {
  auto [now, later] = mx::random::split(key_);
  key_ = std::move(later);
  return now;
}

mx::array Sampler::sample(const mx::array& logits) {
  if (logits.ndim() != 2 || logits.shape(1) != V_) {
    fail_wanted(ErrorKind::kInternal, "sample", str("logits [B, ", V_, "]"),
                str(logits.ndim(), " axes, last ", logits.ndim() > 0 ? logits.shape(-1) : 0));
  }
  mx::array masked = mx::astype(logits, mx::float32);
  for (const LogitsStep& step : chain_) masked = step(masked, seen_);
  const mx::array tokens = greedy_ ? ops::largest(masked) : ops::draw(masked, next_key());
  if (counts_) {
    const mx::array each = mx::broadcast_to(seen_, logits.shape());
    seen_ = mx::scatter_add_axis(each, mx::expand_dims(tokens, 1), mx::array(1.0F), 1);
  }
  return tokens;
}

}  // namespace xlstm
