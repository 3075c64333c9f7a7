// What the two kernels of the chunkwise form share. Formulas as in Beck et al. 2025
// (arXiv:2503.14376): with lf = log_sigmoid(f), b_t the sum of lf from a chunk's start to t, and m0
// the m before it,
//
//   m_t = b_t + max(m0, max_(s <= t) (i_s - b_s))       the recurrence's own m
//   C_t = exp(b_t + m0 - m_t) C_0 + sum_(s <= t) exp(b_t - b_s + i_s - m_t) k_s v_s^T
//
// and n alike. As m_t is known before the products, no sum is ever scaled afterwards.
#include "xlstm/kernels/gates/gates.metal"

// Arrays of matrices stay in registers only where every index is known.
#define XLSTM_UNROLL _Pragma("clang loop unroll(full)")

namespace xlstm {

constant constexpr int kSimd = 32;

using Block = metal::simdgroup_float8x8;

// Sum and maximum of the values of this lane and those below.
inline float sum_up_to(float x, int lane) {
  for (int step = 1; step < kSimd; step *= 2) {
    const float below = metal::simd_shuffle_up(x, ushort(step));
    x += lane >= step ? below : 0.0f;
  }
  return x;
}
inline float max_up_to(float x, int lane) {
  for (int step = 1; step < kSimd; step *= 2) {
    const float below = metal::simd_shuffle_up(x, ushort(step));
    x = lane >= step ? metal::max(x, below) : x;
  }
  return x;
}

// Of each token of a chunk b_t, i_t - b_t and m_t: what is in `gates` from the chunk's first token
// on, i of this head, f NH further on, 2 * NH from token to token. Tokens past the last, of
// `tokens`, add nothing. By one SIMD group; a barrier must follow.
template <int CHUNK, int NH, typename Gates>
void scan_gates(Gates gates, int tokens, float m0, float cap, threadgroup float* b,
                threadgroup float* input, threadgroup float* m, int lane) {
  float decay = 0.0f, largest = m0;
  for (int base = 0; base < CHUNK; base += kSimd) {
    const int t = base + lane;
    float i = -INFINITY, lf = 0.0f;
    if (t < tokens) {
      i = soft_cap(gates[t * 2 * NH], cap);
      lf = log_sigmoid(soft_cap(gates[t * 2 * NH + NH], cap));
    }
    const float b_t = decay + sum_up_to(lf, lane);
    const float most = metal::max(largest, max_up_to(i - b_t, lane));
    b[t] = b_t;
    input[t] = i - b_t;
    m[t] = b_t + most;
    decay = metal::simd_shuffle(b_t, ushort(kSimd - 1));
    largest = metal::simd_shuffle(most, ushort(kSimd - 1));
  }
}

}  // namespace xlstm
