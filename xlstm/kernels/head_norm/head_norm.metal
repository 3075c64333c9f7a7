// Layer norm of each head, formulas as in head_norm.h; with one head, of each row. A threadgroup
// has one head of one row.
//
// Template: T of y; NH, DHV; THREADS, whole SIMD groups; EPS: a float's bits; BIAS: whether there
// is one. Inputs: h [rows, NH * DHV], weight, bias [NH * DHV] of any float type. Outputs: y [rows,
// NH * DHV]. Grid: NH x rows threadgroups.
#include "xlstm/kernels/head_norm/norm_parts.metal"

kernel void head_norm() {
  threadgroup float shares[32];
  constexpr int kHeld = (DHV + THREADS - 1) / THREADS;
  const int thread_at = int(thread_index_in_threadgroup);
  const int lane = int(thread_index_in_simdgroup), simdgroup = int(simdgroup_index_in_threadgroup);
  const int head = int(threadgroup_position_in_grid.x);
  const size_t first = (size_t(threadgroup_position_in_grid.y) * NH + head) * DHV;

  float x[kHeld];
  for (int held = 0; held < kHeld; ++held) {
    const int j = thread_at + held * THREADS;
    x[held] = j < DHV ? float(h[first + j]) : 0.0f;
  }
  xlstm::normalise<DHV, THREADS>(x, as_type<float>(EPS), shares, thread_at, simdgroup, lane);
  for (int held = 0; held < kHeld; ++held) {
    const int j = thread_at + held * THREADS;
    if (j < DHV) {
      float normed = x[held] * float(weight[head * DHV + j]);
      if constexpr (BIAS) normed += float(bias[head * DHV + j]);
      y[first + j] = static_cast<T>(normed);
    }
  }
}
