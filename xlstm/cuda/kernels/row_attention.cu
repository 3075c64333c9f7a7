// Attention at each token across the rows of a group (xlstm/kernels/row_attention/row_attention.h
// has the formulas), in float32.
#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/common.cuh"

using xlstm::cuda::RowAttentionArgs;

namespace {

constexpr int kThreads = 256, kPerLane = 4;
constexpr int kColumns = kWarp * kPerLane;  // of a result that a warp has

// A warp for kColumns of a head of a token of a row. Grid: (blocks of rows, tokens, heads; parts of
// a head). Weights are relative to the largest score so far.
template <typename A>
__device__ void attend(const RowAttentionArgs& a) {
  const int64 at = (static_cast<int64>(blockIdx.x) * kThreads + threadIdx.x) / kWarp;
  if (at >= static_cast<int64>(a.R) * a.S * a.NA) return;
  const int lane = threadIdx.x % kWarp, first = blockIdx.y * kColumns + lane;
  const int head = static_cast<int>(at % a.NA), D = a.NA * a.DA;
  const int64 token = at / a.NA, row = token / a.S;
  const auto head_of = [&](int64 of_token, int part) {
    return static_cast<const A*>(a.qkv) + (of_token * 3 + part) * D + head * a.DA;
  };
  const auto scale_of = [&](float squares) {
    return a.norms != 0 ? 1.0F / sqrtf(squares / a.DA + a.norm_eps) : 1.0F;
  };
  const A* const q = head_of(token, 0);
  float squares = 0;
  for (int d = lane; d < a.DA; d += kWarp) squares += to_float(q[d]) * to_float(q[d]);
  const float scale = scale_of(warp_sum(squares)) / sqrtf(static_cast<float>(a.DA));

  float most = kLowest, weights = 0, y[kPerLane] = {};
  for (int seen = a.begin[row]; seen < a.end[row]; ++seen) {
    const int64 there = static_cast<int64>(a.order[seen]) * a.S + token % a.S;
    const A *const k = head_of(there, 1), *const v = head_of(there, 2);
    float product = 0;
    squares = 0;
    for (int d = lane; d < a.DA; d += kWarp) {
      const float key = to_float(k[d]);
      product += to_float(q[d]) * key;
      squares += key * key;
    }
    const float score = warp_sum(product) * scale * scale_of(warp_sum(squares));
    const float before = most;
    most = fmaxf(most, score);
    const float keep = expf(before - most), weight = expf(score - most);
    weights = keep * weights + weight;
#pragma unroll
    for (int j = 0; j < kPerLane; ++j) {
      const int d = first + j * kWarp;
      if (d < a.DA) y[j] = keep * y[j] + weight * to_float(v[d]);
    }
  }
  A* const to = static_cast<A*>(a.y) + token * D + head * a.DA;
#pragma unroll
  for (int j = 0; j < kPerLane; ++j) {
    const int d = first + j * kWarp;
    if (d < a.DA) to[d] = from_float<A>(y[j] / weights);
  }
}

}  // namespace

extern "C" {
__global__ void __launch_bounds__(kThreads) row_attention_f32(RowAttentionArgs args) {
  attend<float>(args);
}
__global__ void __launch_bounds__(kThreads) row_attention_bf16(RowAttentionArgs args) {
  attend<bf16>(args);
}
}
