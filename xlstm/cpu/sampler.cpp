// No step sorts the vocabulary: cuts leave the few candidates that matter (cpu/candidates.h), and
// the draw needs one random number. Every cut keeps the beginning of the same order, whatever the
// temperature, so that they are made on logits, and only masses ask for it.
#include "xlstm/cpu/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "xlstm/cpu/candidates.h"
#include "xlstm/kernels/choose/choose.h"

namespace xlstm::cpu {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();
constexpr float kMost = std::numeric_limits<float>::max();

std::size_t index(std::int32_t id) {
  return static_cast<std::size_t>(id);
}

// Random numbers by their index in the sequence of a seed (SplitMix64; Steele, Lea and Flood 2014).
double unit_interval(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1p-53;  // in [0, 1)
}

struct Seen {
  std::int32_t id;
  std::uint32_t count;

  friend bool operator<(const Seen& a, std::int32_t other) { return a.id < other; }
};

// The least float that is not below `value`.
float float_from(double value) {
  if (value < -static_cast<double>(kMost)) return -kMost;
  const auto near = static_cast<float>(value);
  return static_cast<double>(near) < value ? std::nextafter(near, kMost) : near;
}

class CpuSampler final : public Sampler {
 public:
  CpuSampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
             std::span<const std::int32_t> never)
      : sampling_(sampling),
        seed_(seed),
        V_(static_cast<std::size_t>(V)),
        never_(never.begin(), never.end()) {}

  std::int64_t V() const override { return static_cast<std::int64_t>(V_); }

  void see(std::span<const std::int32_t> tokens) override {
    check_ids("see", tokens, V());
    if (sampling_.counts_tokens()) count(tokens);
  }

  std::unique_ptr<Sampler> clone() const override { return std::make_unique<CpuSampler>(*this); }
  std::unique_ptr<Sampler> clone(std::uint64_t seed) const override {
    auto copy = std::make_unique<CpuSampler>(*this);
    copy->seed_ = seed;
    copy->drawn_ = 0;
    return copy;
  }

  std::int32_t choose(ThreadPool& pool, std::span<const float> logits, AllowedIds allowed) {
    if (!corrects() && allowed.empty()) return choose_from(pool, logits);
    const ScratchLease corrected = pool.scratch_floats(V_, "sampling");
    correct(logits, allowed, corrected.floats());
    return choose_from(pool, {corrected.floats(), V_});
  }

 private:
  // Sorted by ids: read in one go at every token, and copied with the sampler.
  void count(std::span<const std::int32_t> tokens) {
    std::vector<std::int32_t> sorted(tokens.begin(), tokens.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<Seen> fresh;
    for (std::size_t i = 0; i < sorted.size();) {
      const std::size_t begin = i;
      while (i < sorted.size() && sorted[i] == sorted[begin]) ++i;
      const auto at = std::lower_bound(seen_.begin(), seen_.end(), sorted[begin]);
      const auto times = static_cast<std::uint32_t>(i - begin);
      if (at != seen_.end() && at->id == sorted[begin]) {
        at->count += times;
      } else {
        fresh.push_back({sorted[begin], times});
      }
    }
    const auto middle = static_cast<std::ptrdiff_t>(seen_.size());
    seen_.insert(seen_.end(), fresh.begin(), fresh.end());
    std::inplace_merge(seen_.begin(), seen_.begin() + middle, seen_.end(),
                       [](const Seen& a, const Seen& b) { return a.id < b.id; });
  }

  bool corrects() const {
    return !never_.empty() || !sampling_.logit_bias.empty() || !seen_.empty();
  }

  // What may be chosen, with bias and penalties, whose results stay numbers.
  void correct(std::span<const float> logits, AllowedIds allowed, float* to) const {
    if (allowed.empty()) {
      std::copy_n(logits.data(), V_, to);
    } else {
      kernels::keep_allowed(logits.data(), V_, allowed.data(), to);
    }
    for (const std::int32_t id : never_) to[index(id)] = kNever;
    for (const auto& [id, bias] : sampling_.logit_bias) {
      float& logit = to[index(id)];
      logit = bias == kNever ? kNever : is_number(logit) ? std::min(logit + bias, kMost) : logit;
    }
    for (const Seen& seen : seen_) penalise(to[index(seen.id)], seen.count);
  }

  void penalise(float& logit, std::uint32_t count) const {
    if (!is_number(logit)) return;
    const double p = sampling_.repetition_penalty;
    double corrected = logit > 0 ? logit / p : logit * p;
    corrected -= sampling_.presence_penalty;
    corrected -= static_cast<double>(sampling_.frequency_penalty) * static_cast<double>(count);
    logit = static_cast<float>(std::clamp<double>(corrected, -kMost, kMost));
  }

  // What is none stays so, and is found later.
  static bool is_number(float logit) { return std::abs(logit) <= kMost; }

  std::int32_t choose_from(ThreadPool& pool, std::span<const float> logits) {
    Candidates candidates(pool, logits);
    if (!std::isfinite(candidates.most())) return kNoToken;
    const std::int32_t id = sampling_.is_greedy() ? candidates.likeliest() : draw(candidates);
    if (sampling_.counts_tokens()) count(std::span(&id, 1));
    return id;
  }

  std::int32_t draw(Candidates& candidates) {
    if (sampling_.top_k > 0) candidates.keep_count(static_cast<std::size_t>(sampling_.top_k));
    if (sampling_.top_p < 1) candidates.keep_mass(sampling_.top_p, sampling_.temperature);
    if (sampling_.min_p > 0) candidates.keep_above(least_likely(candidates.most()));
    const double u = unit_interval(seed_, drawn_++);
    const std::span<const float> left = candidates.logits();
    return candidates.id(
        kernels::sample_categorical(left.data(), left.size(), sampling_.temperature, u));
  }

  // The logit of min_p times the probability of the likeliest token.
  float least_likely(float most) const {
    return float_from(static_cast<double>(most) +
                      static_cast<double>(sampling_.temperature) *
                          std::log(static_cast<double>(sampling_.min_p)));
  }

  Sampling sampling_;
  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;  // random numbers used so far
  std::size_t V_;
  std::vector<std::int32_t> never_;
  std::vector<Seen> seen_;  // in the order of ids
};

}  // namespace

std::unique_ptr<Sampler> make_sampler(const Sampling& sampling, std::uint64_t seed, std::int64_t V,
                                      std::span<const std::int32_t> never) {
  check(sampling, V, never);
  return std::make_unique<CpuSampler>(sampling, seed, V, never);
}

std::int32_t sample_row(ThreadPool& pool, Sampler& sampler, std::span<const float> logits,
                        AllowedIds allowed) {
  return static_cast<CpuSampler&>(sampler).choose(pool, logits, allowed);
}

}  // namespace xlstm::cpu
