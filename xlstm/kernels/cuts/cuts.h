// The few of many logits that matter to a choice, without sorting them: passes that find where the
// likeliest k, or those of a given mass, end, and that collect what lies above.
//
// The order of tokens is by logit, the largest first, of equals the lower id. What a cut keeps is
// always the beginning of that order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xlstm::kernels {

// Logits that block_maxima() takes together.
inline constexpr std::size_t kMaximaBlock = 128;

// The beginning of the order: all logits above `least`, and of those equal to it the first `kept`
// by id, so that `dropped` stay away.
struct Cut {
  float least;
  std::size_t kept;
  std::size_t dropped;
};

// The largest of each block of kMaximaBlock logits [V]: maxima [ceil(V / kMaximaBlock)]. Returns
// the largest of all, or NaN if any logit is. V >= 1.
float block_maxima(const float* logits, std::size_t V, float* maxima);

// The logits [V] of `least` or more, but for -inf, in the order of ids: values and ids, of room for
// V each. maxima: of block_maxima(). Returns how many they are.
std::size_t collect(const float* logits, std::size_t V, const float* maxima, float least,
                    float* values, std::int32_t* ids);

// to [V] = logits [V] where the bit is set (bit i % 64 of allowed[i / 64]), else -inf.
void keep_allowed(const float* logits, std::size_t V, const std::uint64_t* allowed, float* to);

// Where the likeliest k end. V >= 1; k >= 1; no logit is NaN or +inf and at least one is finite;
// -inf does not count, and if fewer than k do, all of them stay. work: room for V; not logits.
Cut cut_at_count(const float* logits, std::size_t V, std::size_t k, float* work);

// Where the likeliest tokens end that together have p of the mass of softmax(logits / temperature),
// as few as do; at least one. 0 < p <= 1, temperature > 0; the rest as cut_at_count(). `most` is
// the largest logit.
//
// Error: a token's weight exp(-d) errs by (d + 4) eps of itself, eps = 2^-24, or by 2^-126; sums
// are float64. A mass is then off by less than eps (ln V + 5) + V 2^-126 (kernels/choose/choose.h
// has why): the cut is that of some p no farther away.
Cut cut_at_mass(const float* logits, std::size_t V, float most, float temperature, double p,
                float* work);

// The same in plain loops, sorting; sums in float64: the truth in tests.
float block_maxima_reference(const float* logits, std::size_t V, float* maxima);
std::size_t collect_reference(const float* logits, std::size_t V, float least, float* values,
                              std::int32_t* ids);
void keep_allowed_reference(const float* logits, std::size_t V, const std::uint64_t* allowed,
                            float* to);
Cut cut_at_count_reference(const float* logits, std::size_t V, std::size_t k);
Cut cut_at_mass_reference(const float* logits, std::size_t V, double temperature, double p);

}  // namespace xlstm::kernels
