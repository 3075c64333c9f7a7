#include "xlstm/kernels/large_block/large_block.h"

#include <algorithm>
#include <vector>

#include "xlstm/kernels/elementwise/elementwise.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/kernels/swiglu/swiglu.h"

namespace xlstm::kernels {
namespace {

// Where the parts of a block leave what the next ones read. The two layers run one after the other
// and share their memory.
struct Places {
  float* norm;   // [rows, D], and what a layer adds to the stream
  float* qkvo;   // [rows, 2 * QK + 2 * V]
  float* gates;  // [rows, 2 * NH]
  float* h;      // [rows, V]
  float* up;     // [rows, 2 * F]
  float* inner;  // [rows, F]
};

std::size_t qk(const LargeBlockSizes& s) {
  return s.NH * s.DHQK;
}
std::size_t v(const LargeBlockSizes& s) {
  return s.NH * s.DHV;
}
std::size_t qkvo(const LargeBlockSizes& s) {
  return 2 * qk(s) + 2 * v(s);
}

std::size_t scratch_width(const LargeBlockSizes& s) {
  return s.D + std::max(qkvo(s) + 2 * s.NH + v(s), 3 * s.F);
}

Places places_for(const LargeBlockSizes& s, std::size_t rows, float* at) {
  float* const layer = at + rows * s.D;
  return {at,
          layer,
          layer + rows * qkvo(s),
          layer + rows * (qkvo(s) + 2 * s.NH),
          layer,
          layer + rows * 2 * s.F};
}

void cell(ThreadPool& pool, const LargeBlockSizes& s, const LargeBlockTensors& t,
          const Places& scratch, std::size_t B, std::size_t S) {
  const auto qkv_stride = static_cast<std::ptrdiff_t>(qkvo(s));
  const auto gate_stride = static_cast<std::ptrdiff_t>(2 * s.NH);
  const float* const q = scratch.qkvo;
  const float* const k = q + qk(s);
  const float* const value = k + qk(s);
  const float* const i = scratch.gates;
  const float* const f = i + s.NH;
  std::vector<MlstmStatePointers> states(B);
  for (std::size_t b = 0; b < B; ++b) {
    states[b] = {t.C + b * qk(s) * s.DHV, t.n + b * qk(s), t.m + b * s.NH};
  }
  if (S == 1) {
    mlstm_step(pool, {B, s.NH, s.DHQK, s.DHV, s.cell_eps, qkv_stride, gate_stride},
               {q, k, value, i, f, states.data(), scratch.h});
  } else {
    mlstm_chunk(pool, {B, S, s.NH, s.DHQK, s.DHV, s.cell_eps, qkv_stride, gate_stride},
                {q, k, value, i, f, states.data(), scratch.h});
  }
}

template <class Run>
void part(Profile& profile, const char* name, const Run& run) {
  const ProfileSection section(profile, name);
  run();
}

void mlstm_layer(ThreadPool& pool, Profile& profile, const LargeBlockSizes& s,
                 const LargeBlockWeights& w, const LargeBlockTensors& t, const Places& at,
                 std::size_t B, std::size_t S) {
  const std::size_t rows = B * S;
  part(profile, "mlstm norm", [&] {
    rms_norm(pool, t.x, w.mlstm_norm.weight, w.mlstm_norm.bias, s.norm_eps, at.norm, rows, s.D);
  });
  part(profile, "qkvo", [&] { dense(pool, w.qkvo, at.norm, at.qkvo, rows); });
  part(profile, "gates", [&] {
    dense(pool, w.gates, at.norm, at.gates, rows);
    soft_cap(pool, at.gates, s.gate_soft_cap, at.gates, rows * 2 * s.NH);
  });
  part(profile, "mlstm cell", [&] { cell(pool, s, t, at, B, S); });
  part(profile, "head norm", [&] {
    const float* const o = at.qkvo + 2 * qk(s) + v(s);
    head_norm(pool,
              {at.h, w.head_norm.weight, w.head_norm.bias, o, static_cast<std::ptrdiff_t>(qkvo(s)),
               at.h, s.norm_eps, s.NH, s.DHV},
              rows);
  });
  part(profile, "mlstm out", [&] { dense(pool, w.out, at.h, at.norm, rows); });
  part(profile, "residual", [&] { add(pool, t.x, at.norm, t.y, rows * s.D); });
}

void ffn(ThreadPool& pool, Profile& profile, const LargeBlockSizes& s, const LargeBlockWeights& w,
         const LargeBlockTensors& t, const Places& at, std::size_t rows) {
  part(profile, "ffn norm", [&] {
    rms_norm(pool, t.y, w.ffn_norm.weight, w.ffn_norm.bias, s.norm_eps, at.norm, rows, s.D);
  });
  part(profile, "ffn up", [&] { dense(pool, w.up, at.norm, at.up, rows); });
  part(profile, "swiglu", [&] { swiglu(pool, at.up, at.inner, rows, s.F); });
  part(profile, "ffn down", [&] { dense(pool, w.down, at.inner, at.norm, rows); });
  part(profile, "residual", [&] { add(pool, t.y, at.norm, t.y, rows * s.D); });
}

}  // namespace

void large_block(ThreadPool& pool, Profile& profile, const LargeBlockSizes& sizes,
                 const LargeBlockWeights& weights, const LargeBlockTensors& t, std::size_t B,
                 std::size_t S) {
  const ScratchLease memory = pool.scratch_floats(B * S * scratch_width(sizes), "large_block");
  const Places scratch = places_for(sizes, B * S, memory.floats());
  mlstm_layer(pool, profile, sizes, weights, t, scratch, B, S);
  ffn(pool, profile, sizes, weights, t, scratch, B * S);
}

}  // namespace xlstm::kernels
