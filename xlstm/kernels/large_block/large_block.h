// One block of an xLSTM-large model in one call, so that it costs one node of MLX's graph, or none,
// instead of forty. The formulas are those of its parts; model/large_block.cpp spells them out.
#pragma once

#include <cstddef>

#include "xlstm/base/profile.h"
#include "xlstm/kernels/dense/dense.h"

namespace xlstm::kernels {

struct LargeBlockSizes {
  std::size_t D = 0;     // model width
  std::size_t NH = 0;    // heads
  std::size_t DHQK = 0;  // query/key width of a head
  std::size_t DHV = 0;   // value width of a head
  std::size_t F = 0;     // FFN inner width
  float norm_eps = 1e-6F;
  float cell_eps = 1e-6F;
  float gate_soft_cap = 0;  // 0: none
};

struct LargeBlockWeights {
  NormWeights mlstm_norm;  // D
  DenseWeights qkvo;       // [2 * NH * DHQK + 2 * NH * DHV, D], rows q, k, v, o-gate
  DenseWeights gates;      // [2 * NH, D], rows i, f
  NormWeights head_norm;   // NH * DHV
  DenseWeights out;        // [D, NH * DHV]
  NormWeights ffn_norm;    // D
  DenseWeights up;         // [2 * F, D], rows gate, up
  DenseWeights down;       // [D, F]
};

// Float32 and contiguous; nothing overlaps but y, which may be x.
struct LargeBlockTensors {
  const float* x;  // [B, S, D]
  float* y;        // [B, S, D]
  float* C;        // [B, NH, DHQK, DHV], the state before, and after
  float* n;        // [B, NH, DHQK]
  float* m;        // [B, NH]
};

// S >= 1. Throws Error(kMemory) if its scratch memory cannot be had: D + max(2 QK + 3 V + 2 NH, 3
// F) floats a token, with QK = NH * DHQK and V = NH * DHV.
void large_block(ThreadPool& pool, Profile& profile, const LargeBlockSizes& sizes,
                 const LargeBlockWeights& weights, const LargeBlockTensors& t, std::size_t B,
                 std::size_t S);

}  // namespace xlstm::kernels
