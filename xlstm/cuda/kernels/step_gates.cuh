// What the gates of one token make of the mLSTM's state.
#pragma once

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/kernels/gates.cuh"

struct Gates {
  float m;     // after it
  float keep;  // of the state
  float take;  // of k v^T

  __device__ Gates(float i, float f, float m_before, float cap) {
    i = capped(i, cap);
    const float kept = log_sigmoid(capped(f, cap)) + m_before;
    m = fmaxf(kept, i);
    keep = expf(kept - m);
    take = expf(i - m);
  }
};

// Of one head of the b-th sequence, before which m was m_before.
__device__ inline Gates gates_of(const xlstm::cuda::MlstmArgs& a, int head, int b, float m_before) {
  const int64 at = static_cast<int64>(b) * a.gate_stride + head;
  return Gates(a.i[at], a.f[at], m_before, a.gate_cap);
}
