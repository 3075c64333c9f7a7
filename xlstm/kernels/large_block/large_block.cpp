#include "xlstm/kernels/large_block/large_block.h"

#include <algorithm>

#include "xlstm/base/profile.h"
#include "xlstm/base/scratch.h"
#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"
#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/kernels/swiglu/swiglu.h"
#include "xlstm/kernels/vector/rows.h"

namespace xlstm::kernels {
namespace {

void add(const float* x, const float* z, float* y, std::size_t rows, std::size_t D) {
  for_rows(rows, D, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin * D; i < end * D; ++i) y[i] = x[i] + z[i];
  });
}

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

Places places_for(const LargeBlockSizes& s, std::size_t rows) {
  thread_local Scratch memory;
  float* const at = memory.floats(rows * scratch_width(s), "large_block");
  float* const layer = at + rows * s.D;
  return {at,
          layer,
          layer + rows * qkvo(s),
          layer + rows * (qkvo(s) + 2 * s.NH),
          layer,
          layer + rows * 2 * s.F};
}

void cell(const LargeBlockSizes& s, const LargeBlockTensors& t, const Places& scratch,
          std::size_t B, std::size_t S) {
  const auto qkv_stride = static_cast<std::ptrdiff_t>(qkvo(s));
  const auto gate_stride = static_cast<std::ptrdiff_t>(2 * s.NH);
  const float* const q = scratch.qkvo;
  const float* const k = q + qk(s);
  const float* const value = k + qk(s);
  const float* const i = scratch.gates;
  const float* const f = i + s.NH;
  if (S == 1) {
    mlstm_step({B, s.NH, s.DHQK, s.DHV, s.cell_eps, qkv_stride, gate_stride},
               {q, k, value, i, f, t.C, t.n, t.m, scratch.h, t.C_out, t.n_out, t.m_out});
  } else {
    mlstm_chunk({B, S, s.NH, s.DHQK, s.DHV, s.cell_eps, qkv_stride, gate_stride},
                {q, k, value, i, f, t.C, t.n, t.m, scratch.h, t.C_out, t.n_out, t.m_out});
  }
}

template <class Run>
void part(const char* name, const Run& run) {
  const ProfileSection section(name);
  run();
}

void mlstm_layer(const LargeBlockSizes& s, const LargeBlockWeights& w, const LargeBlockTensors& t,
                 const Places& at, std::size_t B, std::size_t S) {
  const std::size_t rows = B * S;
  part("mlstm norm", [&] {
    rms_norm(t.x, w.mlstm_norm.weight, w.mlstm_norm.bias, s.norm_eps, at.norm, rows, s.D);
  });
  part("qkvo", [&] { dense(w.qkvo, at.norm, at.qkvo, rows); });
  part("gates", [&] {
    dense(w.gates, at.norm, at.gates, rows);
    soft_cap(at.gates, s.gate_soft_cap, at.gates, rows * 2 * s.NH);
  });
  part("mlstm cell", [&] { cell(s, t, at, B, S); });
  part("head norm", [&] {
    const float* const o = at.qkvo + 2 * qk(s) + v(s);
    head_norm({at.h, w.head_norm.weight, w.head_norm.bias, o, static_cast<std::ptrdiff_t>(qkvo(s)),
               at.h, s.norm_eps, s.NH, s.DHV},
              rows);
  });
  part("mlstm out", [&] { dense(w.out, at.h, at.norm, rows); });
  part("residual", [&] { add(t.x, at.norm, t.y, rows, s.D); });
}

void ffn(const LargeBlockSizes& s, const LargeBlockWeights& w, const LargeBlockTensors& t,
         const Places& at, std::size_t rows) {
  part("ffn norm",
       [&] { rms_norm(t.y, w.ffn_norm.weight, w.ffn_norm.bias, s.norm_eps, at.norm, rows, s.D); });
  part("ffn up", [&] { dense(w.up, at.norm, at.up, rows); });
  part("swiglu", [&] { swiglu(at.up, at.inner, rows, s.F); });
  part("ffn down", [&] { dense(w.down, at.inner, at.norm, rows); });
  part("residual", [&] { add(t.y, at.norm, t.y, rows, s.D); });
}

}  // namespace

void large_block(const LargeBlockSizes& sizes, const LargeBlockWeights& weights,
                 const LargeBlockTensors& t, std::size_t B, std::size_t S) {
  const Places scratch = places_for(sizes, B * S);
  mlstm_layer(sizes, weights, t, scratch, B, S);
  ffn(sizes, weights, t, scratch, B * S);
}

}  // namespace xlstm::kernels
