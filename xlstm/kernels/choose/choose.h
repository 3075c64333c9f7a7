// The choice of one token from a row of logits, and whether they are fit for it.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// The index of the largest of logits [V], the lowest of equals. NaN counts as less than any number.
// V >= 1.
std::size_t largest(const float* logits, std::size_t V);

// An index drawn from softmax(logits [V]): with the tokens' probabilities laid side by side in the
// order of ids, the one in whose stretch of the unit interval u falls. -inf is never drawn. V >= 1;
// at least one logit is finite and none is NaN or +inf; u in [0, 1).
std::size_t draw(const float* logits, std::size_t V, double u);

// The sum of logits [V], at least one: a number if all of them are.
double sum(const float* logits, std::size_t V);

// The same in plain float64 loops: the truth in tests.
std::size_t largest_reference(const float* logits, std::size_t V);
std::size_t draw_reference(const float* logits, std::size_t V, double u);

}  // namespace xlstm::kernels
