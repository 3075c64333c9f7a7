// Chunks of 64 tokens, one after the other; within a chunk everything is a product of small
// matrices. With b the running sum of log_sigmoid(f) from the chunk's start, m0 the state's m,
//
//   m_t   = b_t + max(m0, max_{s <= t} (i_s - b_s))                the recurrence's own m
//   P_ts  = (q'_t . k_s) exp((b_t - m_t) + (i_s - b_s)), s <= t     what tokens add to each other
//   u_t   = exp(b_t + m0 - m_t)                                     what is left of the state
//   h_t   = (sum_s P_ts v_s + u_t q'_t C) / (max(|sum_s P_ts + u_t q'_t . n|, exp(-m_t)) + eps)
//
// and with T the last token: C' = u_T C + sum_s exp((b_T - m_T) + (i_s - b_s)) k_s v_s^T, n'
// likewise.
#include <algorithm>
#include <cassert>
#include <cmath>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/mlstm_chunk/mlstm_chunk_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

// Shared by all targets: the work of one task, and where it lies.
#ifndef XLSTM_MLSTM_CHUNK_PART
#define XLSTM_MLSTM_CHUNK_PART
namespace xlstm::kernels {
namespace {

constexpr std::size_t kT = 64;              // tokens of a chunk
constexpr std::size_t kTokenMultiple = 16;  // to which a shorter chunk's columns are padded

// Columns [j0, j1) of one head's C and h. n and m are those of the range that begins at 0; the
// others keep copies.
struct ColumnRange {
  std::size_t b, head, j0, j1;
};

// One head of one sequence, with the strides of its arrays.
struct HeadView {
  const float *q, *k, *v, *i, *f;
  std::ptrdiff_t qk_stride, v_stride, gate_stride, h_stride;
  float *C, *h;
};

}  // namespace
}  // namespace xlstm::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

// Rows of a tile: two vectors of sums each, with room for two more of B and one of A.
constexpr int kTileRows = HWY_TARGET <= HWY_AVX3 || HWY_TARGET == HWY_NEON ? 8 : 4;

// A matrix of floats, rows `stride` apart.
template <class T>
struct Rows {
  T* at;
  std::ptrdiff_t stride;
  HWY_INLINE T* row(std::size_t r) const { return at + static_cast<std::ptrdiff_t>(r) * stride; }
};

// out[r, j..] = alpha before[r, j..] + sum_k A[r, k] B[k, j..] for MR rows and NV vectors.
template <int MR, int NV, class D>
HWY_INLINE void multiply_tile(D d, const Rows<const float>& A, const Rows<const float>& B,
                              std::size_t K, float alpha, const Rows<const float>& before,
                              const Rows<float>& out, std::size_t j) {
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> sum[MR][NV];
  for (int r = 0; r < MR; ++r) {
    for (int c = 0; c < NV; ++c) {
      sum[r][c] = hn::Zero(d);
      if (alpha != 0.0F) {
        const float* const from = before.row(static_cast<std::size_t>(r)) + j;
        sum[r][c] =
            hn::Mul(hn::Set(d, alpha), hn::LoadU(d, from + static_cast<std::size_t>(c) * lanes));
      }
    }
  }
  for (std::size_t k = 0; k < K; ++k) {
    hn::Vec<D> b[NV];
    for (int c = 0; c < NV; ++c) {
      b[c] = hn::LoadU(d, B.row(k) + j + static_cast<std::size_t>(c) * lanes);
    }
    for (int r = 0; r < MR; ++r) {
      const auto a = hn::Set(d, A.row(static_cast<std::size_t>(r))[k]);
      for (int c = 0; c < NV; ++c) sum[r][c] = hn::MulAdd(a, b[c], sum[r][c]);
    }
  }
  for (int r = 0; r < MR; ++r) {
    float* const to = out.row(static_cast<std::size_t>(r)) + j;
    for (int c = 0; c < NV; ++c) {
      hn::StoreU(sum[r][c], d, to + static_cast<std::size_t>(c) * lanes);
    }
  }
}

// The same for MR rows and all N columns.
template <int MR>
void multiply_rows(const Rows<const float>& A, const Rows<const float>& B, std::size_t N,
                   std::size_t K, float alpha, const Rows<const float>& before,
                   const Rows<float>& out) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t j = 0;
  for (; j + 2 * lanes <= N; j += 2 * lanes) {
    multiply_tile<MR, 2>(d, A, B, K, alpha, before, out, j);
  }
  for (; j + lanes <= N; j += lanes) multiply_tile<MR, 1>(d, A, B, K, alpha, before, out, j);
  for (; j < N; ++j) multiply_tile<MR, 1>(one, A, B, K, alpha, before, out, j);
}

// out [M, N] = alpha before [M, N] + A [M, K] B [K, N]; before may be out.
void multiply(Rows<const float> A, const Rows<const float>& B, std::size_t M, std::size_t N,
              std::size_t K, float alpha, Rows<const float> before, Rows<float> out) {
  constexpr std::size_t kRows = kTileRows;
  for (std::size_t r = 0; r < M;) {
    const bool whole = r + kRows <= M;
    const Rows<const float> a{A.row(r), A.stride}, from{before.row(r), before.stride};
    const Rows<float> to{out.row(r), out.stride};
    if (whole) {
      multiply_rows<kTileRows>(a, B, N, K, alpha, from, to);
    } else {
      multiply_rows<1>(a, B, N, K, alpha, from, to);
    }
    r += whole ? kRows : 1;
  }
}

// Decays between a chunk's T tokens and its state, from the tokens' gates. Error of each exponent:
// eps times the sum of |lf| and |m| from the chunk's start.
struct Decays {
  float query_log_decay[kT];  // b_t - m_t
  float key_log_decay[kT];    // i_s - b_s
  float state_decay[kT];      // u_t
  float denom_floor[kT];      // exp(-m_t)
  float m_end;

  void compute(const HeadView& in, std::size_t begin, std::size_t T, float m0) {
    const hn::ScalableTag<float> d;
    float i[kT], lf[kT], m[kT];
    for (std::size_t t = 0; t < T; ++t) {
      const auto at = static_cast<std::ptrdiff_t>(begin + t) * in.gate_stride;
      i[t] = in.i[at];
      lf[t] = in.f[at];
    }
    for_vectors(T, [&](auto load, auto store) HWY_ATTR { store(log_sigmoid(d, load(lf)), lf); });
    float b = 0, most = m0;
    for (std::size_t t = 0; t < T; ++t) {
      b += lf[t];
      key_log_decay[t] = i[t] - b;
      most = std::max(most, key_log_decay[t]);
      m_end = m[t] = b + most;
      query_log_decay[t] = b - m_end;
    }
    const auto state = hn::Set(d, m0);
    for_vectors(T, [&](auto load, auto store) HWY_ATTR {
      store(exp_or_nan(d, hn::Add(load(query_log_decay), state)), state_decay);
      store(exp_or_nan(d, hn::Neg(load(m))), denom_floor);
    });
  }
};

// Where a range keeps a chunk's matrices.
struct Workspace {
  float* q;   // [kT, DHQK], scaled by 1 / sqrt(DHQK), then by u
  float* kt;  // [DHQK, kT]: k transposed, then weighted for the state
  float* P;   // [kT, kT]
  float* v;   // [kT, j1 - j0]: rows of a wide product lie pages apart, here they do not
  float* n;   // [DHQK]
};

// P[t, s] *= exp(query_log_decay_t + key_log_decay_s) for s <= t, and 0 above the diagonal; returns
// the row's sum.
float apply_decay_mask(const Decays& decays, std::size_t t, std::size_t T, float* P) {
  const hn::ScalableTag<float> d;
  const auto query = hn::Set(d, decays.query_log_decay[t]);
  auto sum = hn::Zero(d);
  for_vectors(t + 1, [&](auto load, auto store) HWY_ATTR {
    const auto p = hn::Mul(load(P), exp_or_nan(d, hn::Add(query, load(decays.key_log_decay))));
    sum = hn::Add(sum, p);
    store(p, P);
  });
  std::fill(P + t + 1, P + T, 0.0F);
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

float dot(const float* x, const float* y, std::size_t count) {
  const hn::ScalableTag<float> d;
  auto sum = hn::Zero(d);
  for_vectors(count, [&](auto load, auto) HWY_ATTR { sum = hn::MulAdd(load(x), load(y), sum); });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

void scale(float* x, float by, std::size_t count) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, by);
  for_vectors(count, [&](auto load, auto store) HWY_ATTR { store(hn::Mul(factor, load(x)), x); });
}

void load_chunk(const HeadView& in, const ColumnRange& range, std::size_t begin, std::size_t T,
                std::size_t DHQK, const Workspace& at) {
  const float shrink = 1.0F / std::sqrt(static_cast<float>(DHQK));
  const std::size_t N = range.j1 - range.j0;
  for (std::size_t t = 0; t < T; ++t) {
    const auto token = static_cast<std::ptrdiff_t>(begin + t);
    std::copy_n(in.q + token * in.qk_stride, DHQK, at.q + t * DHQK);
    scale(at.q + t * DHQK, shrink, DHQK);
    std::copy_n(in.v + token * in.v_stride + range.j0, N, at.v + t * N);
  }
  // A line of each of 16 tokens at a time: both what is read and what is written stay in L1.
  for (std::size_t t0 = 0; t0 < T; t0 += kTokenMultiple) {
    const std::size_t there = std::min(kTokenMultiple, T - t0);
    const float* const k = in.k + static_cast<std::ptrdiff_t>(begin + t0) * in.qk_stride;
    for (std::size_t x = 0; x < DHQK; ++x) {
      float* const to = at.kt + x * kT + t0;
      const float* from = k + x;
      for (std::size_t t = 0; t < there; ++t, from += in.qk_stride) to[t] = *from;
      std::fill(to + there, to + kTokenMultiple, 0.0F);
    }
  }
}

// h of a chunk, columns [j0, j1) of it.
void compute_output(const HeadView& in, const ColumnRange& range, std::size_t begin, std::size_t T,
                    std::size_t DHQK, float eps, const Decays& decays, std::ptrdiff_t DHV,
                    const Workspace& at) {
  const auto wide = static_cast<std::ptrdiff_t>(DHQK);
  const auto tall = static_cast<std::ptrdiff_t>(kT);
  const std::size_t N = range.j1 - range.j0;
  const std::size_t filled = round_up(T, kTokenMultiple);
  multiply({at.q, wide}, {at.kt, tall}, T, filled, DHQK, 0.0F, {at.P, tall}, {at.P, tall});
  float denominator[kT];
  for (std::size_t t = 0; t < T; ++t) {
    float* const q = at.q + t * DHQK;
    const float among = apply_decay_mask(decays, t, T, at.P + t * kT);
    scale(q, decays.state_decay[t], DHQK);
    const float sum = among + dot(q, at.n, DHQK);
    denominator[t] = std::max(std::abs(sum), decays.denom_floor[t]) + eps;
  }
  const Rows<float> h{in.h + static_cast<std::ptrdiff_t>(begin) * in.h_stride + range.j0,
                      in.h_stride};
  const Rows<const float> v{at.v, static_cast<std::ptrdiff_t>(N)};
  const Rows<const float> as_read{h.at, h.stride};
  multiply({at.q, wide}, {in.C + range.j0, DHV}, T, N, DHQK, 0.0F, as_read, h);
  constexpr std::size_t kRows = 2 * kTileRows;  // at a time, so that P's zeros are mostly left out
  for (std::size_t t = 0; t < T; t += kRows) {
    const std::size_t rows = std::min(kRows, T - t);
    multiply({at.P + t * kT, tall}, v, rows, N, t + rows, 1.0F, {h.row(t), h.stride},
             {h.row(t), h.stride});
  }
  for (std::size_t t = 0; t < T; ++t) {
    const hn::ScalableTag<float> d;
    float* const row = h.row(t);
    const auto by = hn::Set(d, denominator[t]);
    for_vectors(N, [&](auto load, auto store) HWY_ATTR { store(hn::Div(load(row), by), row); });
  }
}

// The state behind a chunk: C's columns [j0, j1) and all of n.
void update_state(const HeadView& in, const ColumnRange& range, std::size_t T, std::size_t DHQK,
                  const Decays& decays, std::ptrdiff_t DHV, const Workspace& at) {
  const hn::ScalableTag<float> d;
  float weight[kT];
  const auto query = hn::Set(d, decays.query_log_decay[T - 1]);
  for_vectors(T, [&](auto load, auto store) HWY_ATTR {
    store(exp_or_nan(d, hn::Add(query, load(decays.key_log_decay))), weight);
  });
  const float decay = decays.state_decay[T - 1];
  for (std::size_t x = 0; x < DHQK; ++x) {
    float* const k = at.kt + x * kT;
    auto sum = hn::Zero(d);
    for_vectors(T, [&](auto load, auto store) HWY_ATTR {
      const auto weighted = hn::Mul(load(k), load(weight));
      sum = hn::Add(sum, weighted);
      store(weighted, k);
    });
    at.n[x] = decay * at.n[x] + hn::GetLane(hn::SumOfLanes(d, sum));
  }
  const std::size_t N = range.j1 - range.j0;
  const Rows<const float> v{at.v, static_cast<std::ptrdiff_t>(N)};
  multiply({at.kt, static_cast<std::ptrdiff_t>(kT)}, v, DHQK, N, T, decay, {in.C + range.j0, DHV},
           {in.C + range.j0, DHV});
}

// n [DHQK] and m are the range's own: the state's before, and after.
void run_range(const MlstmChunkArgs& a, const HeadView& in, const ColumnRange& range, float* n,
               float* m, float* scratch) {
  const std::size_t DHQK = a.DHQK;
  float* const among = scratch + 2 * kT * DHQK;
  const Workspace at = {scratch, scratch + kT * DHQK, among, among + kT * kT, n};
  const auto DHV = static_cast<std::ptrdiff_t>(a.DHV);
  Decays decays;
  for (std::size_t begin = 0; begin < a.S; begin += kT) {
    const std::size_t T = std::min(kT, a.S - begin);
    decays.compute(in, begin, T, *m);
    load_chunk(in, range, begin, T, DHQK, at);
    compute_output(in, range, begin, T, DHQK, a.eps, decays, DHV, at);
    update_state(in, range, T, DHQK, decays, DHV, at);
    *m = decays.m_end;
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(run_range);

HeadView view_of(const MlstmChunkArgs& a, const MlstmChunkTensors& t, std::size_t b,
                 std::size_t head) {
  HeadView v;
  v.qk_stride = stride_or(a.qkv_stride, a.NH * a.DHQK);
  v.v_stride = stride_or(a.qkv_stride, a.NH * a.DHV);
  v.gate_stride = stride_or(a.gate_stride, a.NH);
  v.h_stride = static_cast<std::ptrdiff_t>(a.NH * a.DHV);
  const auto first = static_cast<std::ptrdiff_t>(b * a.S);
  v.q = t.q + first * v.qk_stride + head * a.DHQK;
  v.k = t.k + first * v.qk_stride + head * a.DHQK;
  v.v = t.v + first * v.v_stride + head * a.DHV;
  v.i = t.i + first * v.gate_stride + head;
  v.f = t.f + first * v.gate_stride + head;
  v.h = t.h + first * v.h_stride + head * a.DHV;
  v.C = t.states[b].C + head * a.DHQK * a.DHV;
  return v;
}

// Into how many ranges of columns a head is cut: enough for all threads, each wide enough to be
// worth doing the tokens' own products over.
std::size_t cuts_of(const MlstmChunkArgs& a, std::size_t threads) {
  constexpr std::size_t kNarrowest = 64;
  const std::size_t heads = a.B * a.NH;
  const std::size_t wanted = ceil_div(threads, heads);
  return std::clamp<std::size_t>(a.DHV / kNarrowest, 1, wanted);
}

}  // namespace

void mlstm_chunk(ThreadPool& pool, const MlstmChunkArgs& a, const MlstmChunkTensors& t) {
  assert(a.NH > 0 && a.DHQK > 0 && a.DHV > 0);
  assert(a.B * a.S == 0 || (t.states != nullptr && t.h != nullptr));
  assert(a.B * a.S == 0 || (t.q != nullptr && t.k != nullptr && t.v != nullptr));
  assert(a.B * a.S == 0 || (t.i != nullptr && t.f != nullptr));
  const std::size_t heads = a.B * a.NH;
  if (heads == 0 || a.S == 0) return;
  const auto run = XLSTM_DISPATCH(run_range);
  const std::size_t cuts = cuts_of(a, pool.size()), widest = ceil_div(a.DHV, cuts),
                    scratch = kT * (2 * a.DHQK + kT + widest);
  // Parts of one head all begin with its n and m, which one of them replaces: each has its own.
  const ScratchLease copies = pool.scratch_floats(heads * cuts * (a.DHQK + 1), "mlstm_chunk");
  float* const n = copies.floats();  // [heads, cuts, DHQK]
  float* const m = n + heads * cuts * a.DHQK;
  for (std::size_t at = 0; at < heads * cuts; ++at) {
    const std::size_t head = at / cuts;
    const MlstmStatePointers& state = t.states[head / a.NH];
    std::copy_n(state.n + head % a.NH * a.DHQK, a.DHQK, n + at * a.DHQK);
    m[at] = state.m[head % a.NH];
  }
  pool.parallel_for(heads * cuts, [&](std::size_t at) {
    const ScratchLease memory = pool.scratch_floats(scratch, "mlstm_chunk");
    const std::size_t head = at / cuts, cut = at % cuts;
    const ColumnRange range = {head / a.NH, head % a.NH, a.DHV * cut / cuts,
                               a.DHV * (cut + 1) / cuts};
    run(a, view_of(a, t, range.b, range.head), range, n + at * a.DHQK, &m[at], memory.floats());
  });
  for (std::size_t head = 0; head < heads; ++head) {
    const MlstmStatePointers& state = t.states[head / a.NH];
    std::copy_n(n + head * cuts * a.DHQK, a.DHQK, state.n + head % a.NH * a.DHQK);
    state.m[head % a.NH] = m[head * cuts];
  }
}

}  // namespace xlstm::kernels
#endif
