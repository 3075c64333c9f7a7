#include "xlstm/cuda/sampler.h"

#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/cuda/kernels/args.h"

namespace xlstm::cuda {
namespace {

class CudaSampler final : public Sampler {
 public:
  CudaSampler(std::shared_ptr<Workspace> work, const Sampling& sampling, std::uint64_t seed,
              std::int64_t V, std::span<const std::int32_t> never)
      : work_(std::move(work)), sampling_(sampling), seed_(seed), V_(V) {
    check(sampling, V, never);
    scratch_ = work_->allocate({V}, DType::kF32, "sampler");
    if (!never.empty() || !sampling.logit_bias.empty()) make_bias(never);
    if (sampling.counts_tokens()) {
      seen_ = work_->allocate({V}, DType::kU32, "sampler");
      const std::span<std::byte> to = work_->writable(seen_);
      std::memset(to.data(), 0, to.size());
    }
  }

  void see(std::span<const std::int32_t> tokens) override {
    for (const std::int32_t id : tokens) {
      if (id >= 0 && id < V_) continue;
      fail_wanted(ErrorKind::kUsage, "see", str("token ids in [0, ", V_, ")"), str(id));
    }
    if (!seen_ || tokens.empty()) return;
    Tensor ids =
        work_->allocate({static_cast<std::int64_t>(tokens.size())}, DType::kI32, "sampler");
    std::memcpy(work_->writable(ids).data(), tokens.data(), tokens.size_bytes());
    work_->programs().launch("choose", "count_seen", Grid{}, work_->pointer(ids),
                             work_->to_write(seen_), static_cast<int>(tokens.size()));
  }

  Tensor sample(const Tensor& logits) override {
    check_shape("sample", "logits", logits, {1, V_});
    check_dtype("sample", "logits", logits, DType::kF32);
    Tensor id = work_->allocate({1}, DType::kI32, "sample");
    const SampleArgs args = {
        .logits = work_->pointer<const float>(logits),
        .work = work_->to_write<float>(scratch_),
        .bias = work_->pointer<const float>(bias_),
        .seen = seen_ ? work_->to_write<unsigned>(seen_) : nullptr,
        .id = work_->to_write<int>(id),
        .V = static_cast<int>(V_),
        .top_k = sampling_.top_k,
        .temperature = sampling_.temperature,
        .top_p = sampling_.top_p,
        .min_p = sampling_.min_p,
        .repetition = sampling_.repetition_penalty,
        .presence = sampling_.presence_penalty,
        .frequency = sampling_.frequency_penalty,
        .seed = seed_,
        .index = sampling_.is_greedy() ? 0 : drawn_++,
    };
    work_->programs().launch("choose", "sample", Grid{.threads = 1024}, args);
    return id;
  }

 private:
  void make_bias(std::span<const std::int32_t> never) {
    bias_ = work_->allocate({V_}, DType::kF32, "sampler");
    std::vector<float> bias(static_cast<std::size_t>(V_));
    for (const auto& [id, value] : sampling_.logit_bias) bias[static_cast<std::size_t>(id)] = value;
    for (const std::int32_t id : never) {
      bias[static_cast<std::size_t>(id)] = -std::numeric_limits<float>::infinity();
    }
    std::memcpy(work_->writable(bias_).data(), bias.data(), bias.size() * sizeof(float));
  }

  std::shared_ptr<Workspace> work_;
  Sampling sampling_;
  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;  // random numbers used so far
  std::int64_t V_;
  Tensor scratch_;  // [V]: the logits, being corrected
  Tensor bias_;     // [V] or none
  Tensor seen_;     // [V] uint32, how often; or none
};

}  // namespace

std::unique_ptr<Sampler> make_sampler(std::shared_ptr<Workspace> work, const Sampling& sampling,
                                      std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never) {
  return std::make_unique<CudaSampler>(std::move(work), sampling, seed, V, never);
}

}  // namespace xlstm::cuda
