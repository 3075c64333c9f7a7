#include "xlstm/mlx/sampler.h"

#include <utility>

#include "mlx/random.h"
#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
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

std::vector<LogitsStep> make_chain(const Sampling& s, std::int64_t V,
                                   std::span<const std::int32_t> never) {
  std::vector<LogitsStep> chain = {
      mask_tokens(never, V),
      add_logit_bias(s.logit_bias, V),
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

class MlxSampler final : public Sampler {
 public:
  MlxSampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
             std::span<const std::int32_t> never, mx::Device device)
      : V_(V),
        greedy_(sampling.is_greedy()),
        counts_(sampling.counts_tokens()),
        device_(device),
        chain_(make_chain(sampling, V, never)),
        key_(mx::random::key(seed)),
        seen_(mx::zeros({1, static_cast<int>(V)}, mx::float32, device)) {}

  void see(std::span<const std::int32_t> tokens) override {
    std::vector<float> count(counts_ ? static_cast<std::size_t>(V_) : 0, 0.0F);
    for (const std::int32_t id : tokens) {
      if (id < 0 || id >= V_) {
        fail_wanted(ErrorKind::kUsage, "see", str("token ids in [0, ", V_, ")"), str(id));
      }
      if (counts_) count[static_cast<std::size_t>(id)] += 1.0F;
    }
    if (!counts_ || tokens.empty()) return;
    seen_ = mx::add(seen_, mx::array(count.begin(), {1, static_cast<int>(V_)}), device_);
  }

  Tensor sample(const Tensor& logits) override {
    check_shape("sample", "logits", logits, {1, V_});
    DeviceArray masked = {mx::astype(array_of(logits), mx::float32, device_), device_};
    const DeviceArray seen = {seen_, device_};
    for (const LogitsStep& step : chain_) masked = step(masked, seen);
    const mx::array token =
        greedy_ ? mx::astype(mx::argmax(masked.array, -1, false, device_), mx::int32, device_)
                : sample_categorical(masked, next_key()).array;
    if (counts_) {
      seen_ = mx::scatter_add_axis(seen_, mx::expand_dims(token, 1, device_), mx::array(1.0F), 1,
                                   device_);
    }
    return tensor_of(token);
  }

  std::unique_ptr<Sampler> clone(std::optional<std::uint64_t> seed) const override {
    auto copy = std::make_unique<MlxSampler>(*this);
    if (seed) copy->key_ = mx::random::key(*seed);
    return copy;
  }

 private:
  mx::array next_key() {
    auto [now, later] = mx::random::split(key_, device_);
    key_ = std::move(later);
    return now;
  }

  std::int64_t V_;
  bool greedy_;
  bool counts_;  // whether a penalty asks for seen_
  mx::Device device_;
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

}  // namespace xlstm::mlx
