// What mixers do with a head's output, for the texts of other kernels: statistics in float32, the
// result rounded once, by whoever stores it.
#include "xlstm/kernels/gates/gates.metal"

namespace xlstm {

// The sum over a threadgroup of `simdgroups` whole SIMD groups, at most 32, for each of its
// threads. `shares` [simdgroups] is overwritten; all that was written before is visible afterwards.
inline float sum_of_threadgroup(float x, threadgroup float* shares, int simdgroup, int simdgroups,
                                int lane) {
  const float share = metal::simd_sum(x);
  metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup);  // an earlier sum may be read yet
  if (lane == 0) shares[simdgroup] = share;
  metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup);
  return metal::simd_sum(lane < simdgroups ? shares[lane] : 0.0f);
}

// 1 / sqrt(variance + eps) of DHV values whose squared differences from their mean have this sum.
inline float norm_factor(float squares, int DHV, float eps) {
  return 1.0f / metal::precise::sqrt(squares / float(DHV) + eps);
}

}  // namespace xlstm
