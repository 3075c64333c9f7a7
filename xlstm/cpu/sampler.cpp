// No step sorts the vocabulary: the cuts look for the least logit that stays (top_k by selection,
// top_p among the few tokens that can be part of the mass), and the draw needs one random number.
#include "xlstm/cpu/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/cpu/cpu_tensor.h"
#include "xlstm/kernels/choose/choose.h"

namespace xlstm::cpu {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// Random numbers by their index in the sequence of a seed (SplitMix64; Steele, Lea and Flood 2014).
double unit_interval(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;  // in [0, 1)
}

// A token that may be chosen. Likelier ones come first, of equals the lower id.
struct Candidate {
  float logit;
  std::int32_t id;

  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
  }
};

class CpuSampler final : public Sampler {
 public:
  CpuSampler(Backend& backend, const Sampling& sampling, std::uint64_t seed, std::int64_t V,
             std::span<const std::int32_t> never)
      : backend_(backend),
        sampling_(sampling),
        seed_(seed),
        never_(never.begin(), never.end()),
        logits_(length(V)) {
    check(sampling, V, never);
  }

  void see(std::span<const std::int32_t> tokens) override {
    for (const std::int32_t id : tokens) {
      if (id < 0 || length(id) >= logits_.size()) {
        fail_wanted(ErrorKind::kUsage, "see", str("token ids in [0, ", logits_.size(), ")"),
                    str(id));
      }
      if (sampling_.counts_tokens()) ++seen_[id];
    }
  }

  Tensor sample(const Tensor& logits) override {
    check_shape("sample", "logits", logits, {1, static_cast<std::int64_t>(logits_.size())});
    check_dtype("sample", "logits", logits, DType::kF32);
    const std::int32_t id = choose(floats_of(logits));
    if (sampling_.counts_tokens()) ++seen_[id];
    return backend_.ids({1}, std::span(&id, 1));
  }

  std::unique_ptr<Sampler> clone(std::optional<std::uint64_t> seed) const override {
    auto copy = std::make_unique<CpuSampler>(*this);
    if (seed) copy->seed_ = *seed, copy->drawn_ = 0;
    return copy;
  }

 private:
  std::int32_t choose(const float* logits) {
    std::copy_n(logits, logits_.size(), logits_.begin());
    correct();
    if (sampling_.is_greedy()) return argmax();
    apply_temperature();
    keep_top_k();
    keep_top_p();
    keep_min_p();
    const double u = unit_interval(seed_, drawn_++);
    return static_cast<std::int32_t>(
        kernels::sample_categorical(logits_.data(), logits_.size(), u));
  }

  std::int32_t argmax() const {
    return static_cast<std::int32_t>(kernels::argmax(logits_.data(), logits_.size()));
  }

  // Bias and penalties, whose results stay numbers.
  void correct() {
    for (const std::int32_t id : never_) logits_[length(id)] = kNever;
    constexpr float kMost = std::numeric_limits<float>::max();
    for (const auto& [id, bias] : sampling_.logit_bias) {
      logits_[length(id)] = std::min(logits_[length(id)] + bias, kMost);
    }
    for (const auto& [id, count] : seen_) {
      float& logit = logits_[length(id)];
      if (logit == kNever) continue;
      const double p = sampling_.repetition_penalty;
      double corrected = logit > 0 ? logit / p : logit * p;
      corrected -= sampling_.presence_penalty;
      corrected -= static_cast<double>(sampling_.frequency_penalty) * static_cast<double>(count);
      logit = static_cast<float>(std::clamp<double>(corrected, -kMost, kMost));
    }
  }

  // From the largest down: however small the temperature, that one becomes 0 and nothing overflows
  // upwards.
  void apply_temperature() {
    const float top = logits_[length(argmax())];
    if (top == kNever) return;
    for (float& logit : logits_) logit = (logit - top) / sampling_.temperature;
  }

  // Whatever is not among `kept` shall not be chosen.
  void keep(std::span<const Candidate> kept) {
    std::fill(logits_.begin(), logits_.end(), kNever);
    for (const Candidate& candidate : kept) logits_[length(candidate.id)] = candidate.logit;
  }

  // Those with a logit of `least` or more, in order of ids.
  void collect(float least) {
    candidates_.clear();
    for (std::size_t id = 0; id < logits_.size(); ++id) {
      if (logits_[id] >= least && logits_[id] != kNever) {
        candidates_.push_back({logits_[id], static_cast<std::int32_t>(id)});
      }
    }
  }

  void keep_top_k() {
    const std::size_t k = length(sampling_.top_k);
    if (k == 0 || k >= logits_.size()) return;
    collect(kNever);
    if (k >= candidates_.size()) return;
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(k),
                     candidates_.end());
    keep(std::span(candidates_).first(k));
  }

  // The likeliest tokens whose mass reaches p. All tokens below 1 - p of the mean probability have
  // less than 1 - p of the mass together, so the others reach p without them.
  void keep_top_p() {
    const double p = sampling_.top_p;
    if (p == 1.0) return;
    const double log_mass = kernels::log_sum_exp(logits_.data(), logits_.size());
    const double mean = log_mass - std::log(static_cast<double>(logits_.size()));
    collect(static_cast<float>(mean + std::log1p(-p)));
    std::sort(candidates_.begin(), candidates_.end());
    double mass = 0;
    std::size_t count = 0;
    while (count < candidates_.size() && (count == 0 || mass < p)) {
      mass += std::exp(candidates_[count++].logit - log_mass);
    }
    keep(std::span(candidates_).first(count));
  }

  void keep_min_p() {
    if (sampling_.min_p == 0.0F) return;
    const float least = logits_[length(argmax())] + std::log(sampling_.min_p);
    for (float& logit : logits_) {
      if (logit < least) logit = kNever;
    }
  }

  Backend& backend_;
  Sampling sampling_;
  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;  // random numbers used so far
  std::vector<std::int32_t> never_;
  std::unordered_map<std::int32_t, std::uint64_t> seen_;
  std::vector<float> logits_;          // [V], being corrected and cut
  std::vector<Candidate> candidates_;  // memory for the cuts
};

}  // namespace

std::unique_ptr<Sampler> make_sampler(Backend& backend, const Sampling& sampling,
                                      std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never) {
  return std::make_unique<CpuSampler>(backend, sampling, seed, V, never);
}

}  // namespace xlstm::cpu
