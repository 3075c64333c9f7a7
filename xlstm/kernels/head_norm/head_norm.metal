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
  float total = 0.0f;
  for (int held = 0; held < kHeld; ++held) {
    const int j = thread_at + held * THREADS;
    x[held] = j < DHV ? float(h[first + j]) : 0.0f;
    total += x[held];
  }
  const float mean =
      xlstm::sum_of_threadgroup(total, shares, simdgroup, THREADS / 32, lane) / float(DHV);
  float squares = 0.0f;
  for (int held = 0; held < kHeld; ++held) {
    x[held] -= mean;
    if (thread_at + held * THREADS < DHV) squares += x[held] * x[held];
  }
  squares = xlstm::sum_of_threadgroup(squares, shares, simdgroup, THREADS / 32, lane);
  const float factor = xlstm::norm_factor(squares, DHV, as_type<float>(EPS));
  for (int held = 0; held < kHeld; ++held) {
    const int j = thread_at + held * THREADS;
    if (j < DHV) {
      float normed = x[held] * factor * float(weight[head * DHV + j]);
      if constexpr (BIAS) normed += float(bias[head * DHV + j]);
      y[first + j] = static_cast<T>(normed);
    }
  }
}
