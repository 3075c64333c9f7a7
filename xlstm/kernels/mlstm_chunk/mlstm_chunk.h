// Many tokens through the mLSTM cell. However they are cut into chunks, the result is that of the
// step (mlstm_step.h) applied token by token.
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/mlstm_step/mlstm_step_args.h"

namespace xlstm::kernels {

struct MlstmChunkArgs {
  std::size_t B = 0, S = 0, NH = 0, DHQK = 0, DHV = 0;
  float eps = 1e-6F;
  // Floats from token to token of q, k and v, and of i and f, where they are columns of a wider
  // product; 0: contiguous.
  std::ptrdiff_t qkv_stride = 0, gate_stride = 0;
};

// All float32, contiguous but for the strides above; i and f are pre-activations, already capped.
struct MlstmChunkTensors {
  const float* q;  // [B, S, NH, DHQK]
  const float* k;  // [B, S, NH, DHQK]
  const float* v;  // [B, S, NH, DHV]
  const float* i;  // [B, S, NH]
  const float* f;  // [B, S, NH]
  // [B], before the first token, and after the last; they overlap neither each other nor anything
  // else.
  const MlstmStatePointers* states;
  float* h;  // [B, S, NH, DHV]
};

// Heads, and columns of C where threads outnumber heads, are spread over threads; the result does
// not depend on how many, nor that of a sequence on the others. A NaN reaches its own chunk of 64
// tokens and all that follow. Needs 64 * (2 * DHQK + DHV + 64) floats of scratch memory a thread,
// and the heads' n and m; throws Error(kMemory) where they cannot be had.
void mlstm_chunk(ThreadPool& pool, const MlstmChunkArgs& args, const MlstmChunkTensors& t);

// Contiguous only.
// The recurrence in float64 from the first token to the last, rounded once at the end.
void mlstm_chunk_reference(const MlstmChunkArgs& args, const MlstmChunkTensors& t);

}  // namespace xlstm::kernels
