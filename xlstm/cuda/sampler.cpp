#include "xlstm/cuda/sampler.h"

#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "xlstm/backend/check.h"
#include "xlstm/cuda/kernels/args.h"

namespace xlstm::cuda {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

class CudaSampler final : public Sampler {
 public:
  CudaSampler(std::shared_ptr<Workspace> work, const Sampling& sampling, std::uint64_t seed,
              std::int64_t V, std::span<const std::int32_t> never)
      : work_(std::move(work)), sampling_(sampling), seed_(seed), V_(V) {
    check(sampling, V, never);
    scratch_ = work_->allocate({V}, DType::kF32, "sampler");
    if (!never.empty() || !sampling.logit_bias.empty()) {
      host_bias_ = bias_of(sampling, V, never);
      bias_ = on_device(host_bias_);
    }
    if (sampling.counts_tokens()) seen_ = zeros(V);
    if (!sampling.is_greedy()) drawn_ = zeros(2);
  }

  // What it has counted is its own, the rest is never written.
  CudaSampler(const CudaSampler& other)
      : Sampler(other),
        work_(other.work_),
        sampling_(other.sampling_),
        seed_(other.seed_),
        V_(other.V_),
        scratch_(work_->allocate({V_}, DType::kF32, "sampler")),
        host_bias_(other.host_bias_),
        bias_(other.bias_),
        seen_(copy_of(other.seen_)),
        drawn_(copy_of(other.drawn_)) {}

  std::int64_t V() const override { return V_; }

  std::unique_ptr<Sampler> clone() const override { return std::make_unique<CudaSampler>(*this); }
  std::unique_ptr<Sampler> clone(std::uint64_t seed) const override {
    auto copy = std::make_unique<CudaSampler>(*this);
    copy->seed_ = seed;
    if (drawn_) copy->drawn_ = copy->zeros(2);
    return copy;
  }

  void see(std::span<const std::int32_t> tokens) override {
    check_ids("see", tokens, V_);
    if (!seen_ || tokens.empty()) return;
    Tensor ids =
        work_->allocate({static_cast<std::int64_t>(tokens.size())}, DType::kI32, "sampler");
    std::memcpy(work_->writable(ids).data(), tokens.data(), tokens.size_bytes());
    work_->programs().launch("choose", "count_seen", Grid{}, work_->pointer(ids),
                             work_->to_write(seen_), static_cast<int>(tokens.size()));
  }

  // The token of logits [V] to `id`, both on the device.
  void sample(const float* logits, AllowedIds allowed, int* id) {
    const Tensor bias = allowed.empty() ? bias_ : on_device(masked_bias(allowed));
    const SampleArgs args = {
        .logits = logits,
        .work = work_->to_write<float>(scratch_),
        .bias = work_->pointer<const float>(bias),
        .seen = seen_ ? work_->to_write<unsigned>(seen_) : nullptr,
        .id = id,
        .drawn = drawn_ ? work_->to_write<unsigned long long>(drawn_) : nullptr,
        .none = kNoToken,
        .V = static_cast<int>(V_),
        .top_k = sampling_.top_k,
        .temperature = sampling_.temperature,
        .top_p = sampling_.top_p,
        .min_p = sampling_.min_p,
        .repetition = sampling_.repetition_penalty,
        .presence = sampling_.presence_penalty,
        .frequency = sampling_.frequency_penalty,
        .seed = seed_,
    };
    work_->programs().launch("choose", "sample", Grid{.threads = 1024}, args);
  }

 private:
  static std::vector<float> bias_of(const Sampling& sampling, std::int64_t V,
                                    std::span<const std::int32_t> never) {
    std::vector<float> bias(static_cast<std::size_t>(V));
    for (const auto& [id, value] : sampling.logit_bias) bias[static_cast<std::size_t>(id)] = value;
    for (const std::int32_t id : never) bias[static_cast<std::size_t>(id)] = kNever;
    return bias;
  }

  std::vector<float> masked_bias(AllowedIds allowed) const {
    std::vector<float> bias = host_bias_;
    bias.resize(static_cast<std::size_t>(V_));
    for (std::size_t id = 0; id < bias.size(); ++id) {
      if ((allowed[id / 64] >> (id % 64) & 1) == 0) bias[id] = kNever;
    }
    return bias;
  }

  Tensor zeros(std::int64_t count) const {
    Tensor tensor = work_->allocate({count}, DType::kU32, "sampler");
    const std::span<std::byte> to = work_->writable(tensor);
    std::memset(to.data(), 0, to.size());
    return tensor;
  }

  Tensor copy_of(const Tensor& tensor) const {
    return tensor ? work_->copy_of(tensor, "sampler") : Tensor();
  }

  Tensor on_device(const std::vector<float>& bias) const {
    Tensor tensor = work_->allocate({V_}, DType::kF32, "sampler");
    std::memcpy(work_->writable(tensor).data(), bias.data(), bias.size() * sizeof(float));
    return tensor;
  }

  std::shared_ptr<Workspace> work_;
  Sampling sampling_;
  std::uint64_t seed_;
  std::int64_t V_;
  Tensor scratch_;                // [V]: the logits, being corrected
  std::vector<float> host_bias_;  // [V] or none
  Tensor bias_;                   // the same
  Tensor seen_;                   // [V] uint32, how often; or none
  Tensor drawn_;                  // uint64, how many random numbers were used; or none
};

}  // namespace

std::unique_ptr<Sampler> make_sampler(std::shared_ptr<Workspace> work, const Sampling& sampling,
                                      std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never) {
  return std::make_unique<CudaSampler>(std::move(work), sampling, seed, V, never);
}

Tensor sample_rows(Workspace& work, std::span<Sampler* const> samplers, const Tensor& logits,
                   std::span<const AllowedIds> allowed) {
  const auto V = static_cast<std::size_t>(logits.shape()[1]);
  Tensor ids = work.allocate({logits.shape()[0]}, DType::kI32, "sample");
  const float* const from = work.pointer<const float>(logits);
  int* const to = work.to_write<int>(ids);
  work.programs().launch("choose", "fill_ids", Grid{.threads = 32}, to,
                         static_cast<int>(samplers.size()), kNoToken);
  for (std::size_t b = 0; b < samplers.size(); ++b) {
    if (samplers[b] == nullptr) continue;
    static_cast<CudaSampler&>(*samplers[b])
        .sample(from + b * V, allowed.empty() ? AllowedIds() : allowed[b], to + b);
  }
  return ids;
}

}  // namespace xlstm::cuda
