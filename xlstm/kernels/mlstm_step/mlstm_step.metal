// One token of each sequence through the mLSTM mixer, or through its cell alone: the formulas are
// those of mlstm_step.h. A threadgroup has one head of one sequence, since the norm needs all of a
// head's values: GATED
//
//   y = sigmoid(o) * (weight * norm(h) + bias), norm over the head's DHV values, rounded once
//
// and otherwise y = h. The state is read once and written once; C goes through registers, columns
// along threads, DHQK rows in ROW_GROUPS parts whose sums meet in threadgroup memory. (Several
// threadgroups a head would need a second kernel for the norm: one node more a block.)
//
// Template: T of qkvo; NH, DHQK, DHV; COLUMNS of C a thread, which divide DHV; THREADS, whole SIMD
// groups, at least ROW_GROUPS * DHV / COLUMNS; CAP, CELL_EPS, NORM_EPS: the bits of a float, CAP 0
// for none; BIAS: whether there is one.
// Inputs: qkvo [B, 2 * NH * DHQK + 2 * NH * DHV], rows q, k, v, o-gate (without the latter unless
// GATED); gates [B, 2 * NH] float32, rows i, f, uncapped; weight, bias [NH * DHV] of any float
// type; C [B, NH, DHQK, DHV], n [B, NH, DHQK], m [B, NH] float32.
// Outputs: y [B, NH * DHV]; C_next, n_next, m_next float32.
// Grid: B * NH threadgroups. Threadgroup memory: 4 * (2 * DHQK + ROW_GROUPS * DHV + 32) bytes.
#include "xlstm/kernels/head_norm/norm_parts.metal"

kernel void mlstm_step() {
  threadgroup float query[DHQK];
  threadgroup float key[DHQK];
  threadgroup float parts[ROW_GROUPS * DHV];
  threadgroup float shares[32];

  constexpr int kQK = NH * DHQK, kV = NH * DHV, kWidth = 2 * kQK + (GATED ? 2 : 1) * kV;
  constexpr int kSlots = DHV / COLUMNS, kHeld = (DHV + THREADS - 1) / THREADS;
  const int thread_at = int(thread_index_in_threadgroup);
  const int lane = int(thread_index_in_simdgroup), simdgroup = int(simdgroup_index_in_threadgroup);
  const int at = int(threadgroup_position_in_grid.x);  // of B * NH
  const int sequence = at / NH, head = at % NH;
  const float cap = as_type<float>(CAP);

  auto q_row = qkvo + size_t(sequence) * kWidth + head * DHQK;
  auto v_row = qkvo + size_t(sequence) * kWidth + 2 * kQK + head * DHV;

  const float i = xlstm::soft_cap(gates[sequence * 2 * NH + head], cap);
  const float f = xlstm::soft_cap(gates[sequence * 2 * NH + NH + head], cap);
  const float past = xlstm::log_sigmoid(f) + m[at];
  const float m_now = metal::max(past, i);
  const float keep = metal::precise::exp(past - m_now), add = metal::precise::exp(i - m_now);
  const float scale = 1.0f / metal::precise::sqrt(float(DHQK));
  if (thread_at == 0) m_next[at] = m_now;

  float share = 0.0f;
  for (int r = thread_at; r < DHQK; r += THREADS) {
    const float q_r = scale * float(q_row[r]), k_r = add * float(q_row[kQK + r]);
    const float n_r = keep * n[size_t(at) * DHQK + r] + k_r;
    n_next[size_t(at) * DHQK + r] = n_r;
    query[r] = q_r;
    key[r] = k_r;
    share += q_r * n_r;
  }
  const float dot = xlstm::sum_of_threadgroup(share, shares, simdgroup, THREADS / 32, lane);

  const int slot = thread_at % kSlots, group = thread_at / kSlots;
  if (group < ROW_GROUPS) {
    float v[COLUMNS], sum[COLUMNS];
    for (int c = 0; c < COLUMNS; ++c) {
      v[c] = float(v_row[slot * COLUMNS + c]);
      sum[c] = 0.0f;
    }
    for (int r = group; r < DHQK; r += ROW_GROUPS) {
      const size_t first = (size_t(at) * DHQK + r) * DHV + slot * COLUMNS;
      for (int c = 0; c < COLUMNS; ++c) {
        const float now = keep * C[first + c] + key[r] * v[c];
        C_next[first + c] = now;
        sum[c] += query[r] * now;
      }
    }
    for (int c = 0; c < COLUMNS; ++c) parts[group * DHV + slot * COLUMNS + c] = sum[c];
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);

  const float denominator =
      metal::max(metal::abs(dot), metal::precise::exp(-m_now)) + as_type<float>(CELL_EPS);
  float h[kHeld];
  for (int held = 0; held < kHeld; ++held) {
    const int j = thread_at + held * THREADS;
    float sum = 0.0f;
    if (j < DHV) {
      for (int part = 0; part < ROW_GROUPS; ++part) sum += parts[part * DHV + j];
    }
    h[held] = sum / denominator;
  }
  if constexpr (GATED) {
    xlstm::normalise<DHV, THREADS>(h, as_type<float>(NORM_EPS), shares, thread_at, simdgroup, lane);
  }
  const size_t out = size_t(sequence) * kV + head * DHV;
  for (int held = 0; held < kHeld; ++held) {
    const int j = thread_at + held * THREADS;
    if (j >= DHV) continue;
    if constexpr (GATED) {
      float normed = h[held] * float(weight[head * DHV + j]);
      if constexpr (BIAS) normed += float(bias[head * DHV + j]);
      y[out + j] = static_cast<T>(xlstm::sigmoid(float(v_row[kV + j])) * normed);
    } else {
      xlstm::store(h[held], y + out + j);
    }
  }
}
