// The mLSTM cell of many tokens in chunks, bfloat16 factors on tensor cores, sums, gates and states
// in float32 (Beck et al., arXiv:2503.14376, with two levels of tiles).
//
// With b_t the sum of log-decays since the chunk began, x_s = i_s - b_s, m_0 and C_0 the state then
// and M_t = max(m_0, x_1 .. x_t), the stabiliser is m_t = b_t + M_t, and
//   h_t ~ sum_{s <= t} exp(x_s - M_t) (q_t . k_s) v_s + exp(m_0 - M_t) q_t C_0:
// no exponent is above 0, and b_t itself cancels. Three kernels: gates (b, x and the largest of
// each chunk), states (C, n and m before every chunk, one chunk after the other), outputs (64
// tokens of a head in a block, all at once).
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/gates.cuh"
#include "xlstm/cuda/kernels/tiles.cuh"

using xlstm::cuda::MlstmArgs;
using xlstm::cuda::MlstmChunkArgs;
using xlstm::cuda::MlstmChunkSums;

constexpr int kThreads = 256, kWarps = kThreads / kWarp;
constexpr int kTokens = 64;                   // of a tile
constexpr int kStateStages = 5, kStages = 4;  // of the rings through which factors come

__device__ inline char* block_memory() {
  extern __shared__ uint4 memory[];
  return reinterpret_cast<char*>(memory);
}

// Of the arrays [B, NH, count].
__device__ inline int64 first_of_head(const MlstmChunkArgs& c, int b, int head) {
  return (static_cast<int64>(b) * c.cell.NH + head) * c.count;
}
// A row of q, k or v as bfloat16: token s of this part, from `column` on.
__device__ inline const bf16* row_of(const MlstmChunkArgs& c, const void* rows, int b, int s,
                                     int column) {
  const int64 token = static_cast<int64>(b) * c.cell.S + c.first + s;
  return static_cast<const bf16*>(rows) + token * c.cell.qkv_stride + column;
}
