#include "xlstm/mlx/sampler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mlx/random.h"
#include "xlstm/mlx/mlx_tensor.h"

namespace xlstm::mlx {
namespace {

// [...] float32: Gumbel noise, finite. -log(-log u) is written with 1 - u, drawn near 0, where
// floats are dense: the winners of the draw come from there. Half a step up and the cap keep both
// logarithms finite, so that no row is ever left without a token that may be chosen.
DeviceArray gumbel(const mx::Shape& shape, const mx::array& key, const mx::Device& device) {
  constexpr float kStep = 0x1p-32F, kCap = 1.0F - 0x1p-24F;
  const DeviceArray bits = {mx::random::bits(shape, key, device), device};
  const DeviceArray u = (as_type(bits, mx::float32) + 0.5F) * kStep;
  return -log(-log1p(-minimum(u, kCap)));
}

// The ids that are never chosen, those with a bias of -inf among them.
std::vector<std::int32_t> barred(const Sampling& s, std::span<const std::int32_t> never) {
  std::vector<std::int32_t> ids(never.begin(), never.end());
  for (const auto& [id, bias] : s.logit_bias) {
    if (std::isinf(bias)) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::optional<mx::array> may_be_chosen(std::span<const std::int32_t> barred, std::int64_t V) {
  if (barred.empty()) return std::nullopt;
  std::vector<bool> may(static_cast<std::size_t>(V), true);
  for (const std::int32_t id : barred) may[static_cast<std::size_t>(id)] = false;
  return mx::array(may.begin(), {static_cast<int>(V)}, mx::bool_);
}

std::map<std::int32_t, float> finite(std::map<std::int32_t, float> bias) {
  std::erase_if(bias, [](const auto& each) { return std::isinf(each.second); });
  return bias;
}

std::vector<LogitsStep> make_chain(const Sampling& s, std::int64_t V,
                                   std::span<const std::int32_t> barred) {
  std::vector<LogitsStep> chain = {
      mask_tokens(barred, V),
      add_logit_bias(finite(s.logit_bias), V),
      repetition_penalty(s.repetition_penalty),
      presence_penalty(s.presence_penalty),
      frequency_penalty(s.frequency_penalty),
  };
  if (s.is_greedy()) return chain;
  for (LogitsStep& step :
       std::vector{temperature(s.temperature), top_k(s.top_k), top_p(s.top_p), min_p(s.min_p)}) {
    chain.push_back(std::move(step));
  }
  return chain;
}

// Logits [B, V] -> [B] bool: whether the largest is finite, which NaN among them makes it not.
mx::array has_choice(A logits) {
  const mx::array most = mx::max(logits.array, -1, false, logits.device);
  return mx::isfinite(most, logits.device);
}

// [B] int32, kNoToken where there is no choice.
DeviceArray or_no_token(const mx::array& choice, A ids) {
  return {mx::where(choice, mx::astype(ids.array, mx::int32, ids.device), mx::array(kNoToken),
                    ids.device),
          ids.device};
}

DeviceArray likeliest(A logits) {
  return {mx::argmax(logits.array, -1, false, logits.device), logits.device};
}

class MlxSampler final : public Sampler {
 public:
  MlxSampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
             std::span<const std::int32_t> never, mx::Device device)
      : V_(V),
        greedy_(sampling.is_greedy()),
        counts_(sampling.counts_tokens()),
        plain_(greedy_ && !counts_ && finite(sampling.logit_bias).empty()),
        device_(device),
        barred_(barred(sampling, never)),
        may_(may_be_chosen(barred_, V)),
        chain_(make_chain(sampling, V, barred_)),
        key_(mx::random::key(seed)),
        seen_(mx::zeros({1, static_cast<int>(V)}, mx::float32, device)) {}

  std::int64_t V() const override { return V_; }

  void see(std::span<const std::int32_t> tokens) override {
    check_ids("see", tokens, V_);
    if (!counts_ || tokens.empty()) return;
    std::vector<float> count(static_cast<std::size_t>(V_), 0.0F);
    for (const std::int32_t id : tokens) count[static_cast<std::size_t>(id)] += 1.0F;
    seen_ = mx::add(seen_, mx::array(count.begin(), {1, static_cast<int>(V_)}), device_);
  }

  std::unique_ptr<Sampler> clone() const override { return std::make_unique<MlxSampler>(*this); }
  std::unique_ptr<Sampler> clone(std::uint64_t seed) const override {
    auto copy = std::make_unique<MlxSampler>(*this);
    copy->key_ = mx::random::key(seed);
    return copy;
  }

  // Whether the token of a row is the likeliest that is not barred, and of a row of the other's,
  // too.
  bool is_plain_as(const MlxSampler& other) const {
    return plain_ && other.plain_ && barred_ == other.barred_;
  }

  // Logits [B, V] of samplers that are plain as this one -> [B].
  DeviceArray choose_plain(A logits, FusedOps& fused) const {
    const std::optional<mx::array> ids = fused.likeliest(logits, may_);
    if (ids) return {*ids, device_};
    const DeviceArray masked = without_barred(logits);
    return or_no_token(has_choice(masked), likeliest(masked));
  }

  // Logits [1, V] -> [1].
  DeviceArray choose(DeviceArray logits, AllowedIds allowed) {
    const DeviceArray seen = {seen_, device_};
    if (!allowed.empty()) logits = allow_tokens(allowed, V_)(logits, seen);
    for (const LogitsStep& step : correction()) logits = step(logits, seen);
    const mx::array choice = has_choice(logits);
    for (const LogitsStep& step : cuts()) logits = step(logits, seen);
    const DeviceArray token =
        or_no_token(choice, greedy_ ? likeliest(logits) : sample_categorical(logits, next_key()));
    if (counts_) count(choice, token);
    return token;
  }

 private:
  static constexpr std::size_t kCorrections = 5;  // steps of a chain before temperature

  std::span<const LogitsStep> correction() const { return std::span(chain_).first(kCorrections); }
  std::span<const LogitsStep> cuts() const { return std::span(chain_).subspan(kCorrections); }
  DeviceArray without_barred(A logits) const { return chain_.front()(logits, {seen_, device_}); }

  void count(const mx::array& choice, A token) {
    const mx::array at = mx::maximum(token.array, mx::array(0), device_);  // kNoToken is no index
    const mx::array once = mx::astype(choice, mx::float32, device_);
    seen_ = mx::scatter_add_axis(seen_, mx::expand_dims(at, 1, device_),
                                 mx::expand_dims(once, 1, device_), 1, device_);
  }

  mx::array next_key() {
    auto [now, later] = mx::random::split(key_, device_);
    key_ = std::move(later);
    return now;
  }

  std::int64_t V_;
  bool greedy_;
  bool counts_;  // whether a penalty asks for seen_
  bool plain_;   // whether the likeliest that is not barred is the token
  mx::Device device_;
  std::vector<std::int32_t> barred_;  // sorted
  std::optional<mx::array> may_;      // [V] bool: not barred; none where none is
  std::vector<LogitsStep> chain_;
  mx::array key_;   // [2] uint32
  mx::array seen_;  // [1, V] float32
};

}  // namespace

DeviceArray sample_categorical(A logits, const mx::array& key) {
  const DeviceArray noisy = logits + gumbel(logits.array.shape(), key, logits.device);
  const mx::array ids = mx::argmax(noisy.array, -1, false, logits.device);
  return as_type({ids, logits.device}, mx::int32);
}

std::unique_ptr<Sampler> make_sampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never, mx::Device device) {
  check(sampling, V, never);
  return std::make_unique<MlxSampler>(sampling, seed, V, never, device);
}

DeviceArray sample_rows(std::span<Sampler* const> samplers, A logits,
                        std::span<const AllowedIds> allowed, FusedOps& fused) {
  const auto own = [&](std::size_t b) -> MlxSampler& {
    return static_cast<MlxSampler&>(*samplers[b]);
  };
  const auto mask = [&](std::size_t b) { return allowed.empty() ? AllowedIds() : allowed[b]; };
  bool together = true;
  for (std::size_t b = 0; b < samplers.size() && together; ++b) {
    together = samplers[b] != nullptr && mask(b).empty() && own(b).is_plain_as(own(0));
  }
  if (samplers.empty()) return {mx::zeros({0}, mx::int32, logits.device), logits.device};
  if (together) return own(0).choose_plain(logits, fused);
  std::vector<mx::array> ids;
  for (std::size_t b = 0; b < samplers.size(); ++b) {
    const int at = static_cast<int>(b);
    if (samplers[b] == nullptr) {
      ids.push_back(mx::full({1}, kNoToken, mx::int32, logits.device));
      continue;
    }
    ids.push_back(own(b).choose(part(logits, 0, at, at + 1), mask(b)).array);
  }
  return {mx::concatenate(std::move(ids), 0, logits.device), logits.device};
}

}  // namespace xlstm::mlx
