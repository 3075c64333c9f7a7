// A product of each head: a dense layer whose matrix has blocks on its diagonal and nothing else.
//
//   y[m, g O + r] = sum over d of x[m, (g mod H) I + d] W[g, r, d] (+ bias[g O + r])
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/linear/linear.h"

namespace xlstm::kernels {

struct HeadwiseWeights {
  std::size_t G = 0, O = 0, I = 0;     // groups, and what each makes of how many
  std::size_t H = 0;                   // heads of x, of which G is a multiple
  const void* W = nullptr;             // [G, O, I]
  WeightType type = WeightType::kF32;  // kF32 or kBF16
  const float* bias = nullptr;         // [G * O] or nullptr
};

// x [M, H * I] and y [M, G * O] are contiguous float32 that do not overlap.
//
// Up to kHeadwiseWidth inputs a group, sums are float32, of W widened, in an order that depends on
// nothing; error eps (I + 1) (sum_d |x W| + |bias|), eps = 2^-24. Above, each group is a linear(),
// with its errors and numbers of rows (linear_dot_rows()). NaN in a head of x reaches the groups of
// that head in its row and nothing else. Throws Error(kMemory) as linear() does.
void headwise(ThreadPool& pool, const HeadwiseWeights& w, const float* x, float* y, std::size_t M);

inline constexpr std::size_t kHeadwiseWidth = 32;

// The same in float64, rounded once: the truth in tests.
void headwise_reference(const HeadwiseWeights& w, const float* x, float* y, std::size_t M);

}  // namespace xlstm::kernels
