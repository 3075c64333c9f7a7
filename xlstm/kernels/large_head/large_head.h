// What follows the blocks of an xLSTM-large model: norm, projection to the vocabulary, soft cap.
#pragma once

#include <cstddef>
#include <optional>

#include "xlstm/base/profile.h"
#include "xlstm/kernels/dense/dense.h"

namespace xlstm::kernels {

struct LargeHeadWeights {
  std::optional<NormWeights> norm;  // D
  DenseWeights projection;          // [V, D]
  float norm_eps = 1e-6F;
  float soft_cap = 0;  // 0: none
};

// x [B, S, D] float32, of which the last `positions` tokens of each row are taken -> logits
// [B, positions, V]. Throws Error(kMemory) if scratch memory for the norm cannot be had.
void large_head(ThreadPool& pool, Profile& profile, const LargeHeadWeights& w, const float* x,
                float* logits, std::size_t B, std::size_t S, std::size_t positions);

}  // namespace xlstm::kernels
