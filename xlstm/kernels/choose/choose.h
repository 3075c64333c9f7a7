// The choice of one token from a row of logits, and whether they are fit for it.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// The index of the largest of logits [V], the lowest of equals. NaN counts as less than any number.
// V >= 1.
std::size_t argmax(const float* logits, std::size_t V);

// An index drawn from softmax(logits [V] / temperature): with the tokens' probabilities laid side
// by side in the order of ids, the one in whose stretch of the unit interval u falls. -inf is never
// drawn. V >= 1; at least one logit is finite and none is NaN or +inf; temperature > 0; u in [0,
// 1).
std::size_t sample_categorical(const float* logits, std::size_t V, float temperature, double u);

// The sum of logits [V], at least one: a number if all of them are.
double sum(const float* logits, std::size_t V);

// log(sum_i exp(logits[i])) of logits [V], the largest subtracted first. V >= 1; at least one logit
// is finite and none is NaN or +inf; -inf adds nothing.
//
// Error: eps (ln V + 3) + V 2^-126, eps = 2^-24. With d_i = largest - logits[i], a term exp(-d_i)
// errs by eps (d_i + 2) of itself: the difference is rounded once, exp() errs by 2 eps, or 2^-126
// below the normal range. Weighted by the terms' shares of the sum, d_i is at most ln V (their
// entropy less the logarithm of the sum). The sum and its logarithm are float64.
double log_sum_exp(const float* logits, std::size_t V);

// The same in plain float64 loops: the truth in tests.
std::size_t argmax_reference(const float* logits, std::size_t V);
std::size_t sample_categorical_reference(const float* logits, std::size_t V, double temperature,
                                         double u);
double log_sum_exp_reference(const float* logits, std::size_t V);

}  // namespace xlstm::kernels
