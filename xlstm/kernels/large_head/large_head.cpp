#include "xlstm/kernels/large_head/large_head.h"

#include <algorithm>

#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"

namespace xlstm::kernels {

void large_head(ThreadPool& pool, Profile& profile, const LargeHeadWeights& w, const float* x,
                float* logits, std::size_t B, std::size_t S, std::size_t positions) {
  const std::size_t D = w.projection.K, V = w.projection.N, rows = B * positions;
  const ScratchLease scratch = pool.scratch_floats(rows * D, "large_head");
  float* const taken = scratch.floats();  // [B, positions, D]
  for (std::size_t b = 0; b < B; ++b) {
    const float* const last = x + (b * S + S - positions) * D;
    float* const to = taken + b * positions * D;
    if (w.norm) {
      rms_norm(pool, last, w.norm->weight, w.norm->bias, w.norm_eps, to, positions, D);
    } else {
      std::copy_n(last, positions * D, to);
    }
  }
  {
    const ProfileSection section(profile, "head");
    dense(pool, w.projection, taken, logits, rows);
  }
  const ProfileSection section(profile, "logits cap");
  soft_cap(pool, logits, w.soft_cap, logits, rows * V);
}

}  // namespace xlstm::kernels
