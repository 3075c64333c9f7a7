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

// Rounds to the output's type. A function, since compilers read also the branches of a kernel that
// its template arguments rule out, where a plain assignment to bfloat would be an error.
template <typename Y>
void store(float value, device Y* y) {
  *y = static_cast<Y>(value);
}

// 1 / sqrt(variance + eps) of DHV values whose squared differences from their mean have this sum.
inline float norm_factor(float squares, int DHV, float eps) {
  return 1.0f / metal::precise::sqrt(squares / float(DHV) + eps);
}

// A threadgroup has the DHV values of a head, a thread those at thread_at, thread_at + THREADS,
// ...: x, 0 past the last. Subtracts their mean and multiplies by norm_factor().
template <int DHV, int THREADS, int HELD>
void normalise(thread float (&x)[HELD], float eps, threadgroup float* shares, int thread_at,
               int simdgroup, int lane) {
  float total = 0.0f, squares = 0.0f;
  for (int held = 0; held < HELD; ++held) total += x[held];
  const float mean = sum_of_threadgroup(total, shares, simdgroup, THREADS / 32, lane) / float(DHV);
  for (int held = 0; held < HELD; ++held) {
    x[held] -= mean;
    if (thread_at + held * THREADS < DHV) squares += x[held] * x[held];
  }
  const float sum = sum_of_threadgroup(squares, shares, simdgroup, THREADS / 32, lane);
  for (int held = 0; held < HELD; ++held) x[held] *= norm_factor(sum, DHV, eps);
}

}  // namespace xlstm
