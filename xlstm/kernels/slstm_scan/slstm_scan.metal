// Tokens through the sLSTM cell, formulas as in slstm_scan.h: the loop over tokens is in the
// kernel. A threadgroup has one head of SEQUENCES sequences: R is read once a token for all of
// them, y lies in threadgroup memory, c, n and m in registers of the threads that own their units.
//
// Template: G of the gates' inputs; NH, DH; SEQUENCES; THREADS, whole SIMD groups.
// Inputs: gates_if [B, S, 2, NH, DH], i, then f; gates_zo alike, z, then o; R [NH, DH, 4, DH] of
// any float type; bias [NH, 4, DH] float32; y, c, n, m [B, NH, DH] float32: the state before; sizes
// int32: B, S.
// Outputs, all float32: out [B, S, NH, DH]; y_next, c_next, n_next, m_next.
// Grid: parts of SEQUENCES x NH threadgroups. Threadgroup memory: 20 * SEQUENCES * DH bytes.
#include "xlstm/kernels/gates/gates.metal"

kernel void slstm_scan() {
  threadgroup float last[SEQUENCES * DH];     // y of the token before
  threadgroup float raw[SEQUENCES * 4 * DH];  // the gates' pre-activations
  constexpr int kD = NH * DH, kHeld = (SEQUENCES * DH + THREADS - 1) / THREADS;
  const int thread_at = int(thread_index_in_threadgroup);
  const int row0 = int(threadgroup_position_in_grid.x) * SEQUENCES;
  const int head = int(threadgroup_position_in_grid.y);
  const int B = sizes[0], S = sizes[1];
  const int rows = metal::min(SEQUENCES, B - row0);

  float c_now[kHeld], n_now[kHeld], m_now[kHeld];
  for (int held = 0; held < kHeld; ++held) {
    const int x = thread_at + held * THREADS, row = x / DH;
    if (row < rows) {
      const size_t at = size_t(row0 + row) * kD + head * DH + x % DH;
      c_now[held] = c[at];
      n_now[held] = n[at];
      m_now[held] = m[at];
      last[x] = y[at];
    } else {
      c_now[held] = n_now[held] = m_now[held] = 0.0f;
      if (row < SEQUENCES) last[x] = 0.0f;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);

  for (int s = 0; s < S; ++s) {
    for (int j = thread_at; j < 4 * DH; j += THREADS) {
      float sum[SEQUENCES];
      for (int row = 0; row < SEQUENCES; ++row) sum[row] = 0.0f;
      for (int d = 0; d < DH; ++d) {
        const float weight = float(R[(size_t(head) * DH + d) * 4 * DH + j]);
        for (int row = 0; row < SEQUENCES; ++row) sum[row] += last[row * DH + d] * weight;
      }
      const int gate = j / DH, from = (gate % 2) * kD + head * DH + j % DH;
      const float b_j = float(bias[head * 4 * DH + j]);
      for (int row = 0; row < rows; ++row) {
        const size_t token = (size_t(row0 + row) * S + s) * 2 * kD + from;
        const float Wx = gate < 2 ? float(gates_if[token]) : float(gates_zo[token]);
        raw[row * 4 * DH + j] = Wx + b_j + sum[row];
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int held = 0; held < kHeld; ++held) {
      const int x = thread_at + held * THREADS, row = x / DH, unit = x % DH;
      if (row >= rows) continue;
      const threadgroup float* const z = raw + row * 4 * DH + unit;
      const bool fresh = n_now[held] == 0.0f;  // nothing was read yet
      const float past = xlstm::log_sigmoid(z[DH]) + m_now[held];
      const float m_new = fresh ? z[0] : metal::max(z[0], past);
      const float add = metal::precise::exp(z[0] - m_new);
      const float keep = fresh ? 0.0f : metal::precise::exp(past - m_new);
      const float c_new = keep * c_now[held] + add * metal::precise::tanh(z[2 * DH]);
      const float n_new = metal::max(keep * n_now[held] + add, 1.0f);
      const float y_new = xlstm::sigmoid(z[3 * DH]) * c_new / n_new;
      c_now[held] = c_new;
      n_now[held] = n_new;
      m_now[held] = m_new;
      last[x] = y_new;
      out[(size_t(row0 + row) * S + s) * kD + head * DH + unit] = y_new;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }

  for (int held = 0; held < kHeld; ++held) {
    const int x = thread_at + held * THREADS, row = x / DH;
    if (row >= rows) continue;
    const size_t at = size_t(row0 + row) * kD + head * DH + x % DH;
    y_next[at] = last[x];
    c_next[at] = c_now[held];
    n_next[at] = n_now[held];
    m_next[at] = m_now[held];
  }
}
