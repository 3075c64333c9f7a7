// Sizes, constants and states that the mLSTM step and the chunk share.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// What a stride of 0 stands for.
inline std::ptrdiff_t stride_or(std::ptrdiff_t stride, std::size_t contiguous) {
  return stride != 0 ? stride : static_cast<std::ptrdiff_t>(contiguous);
}

// The state of one sequence, updated in place. Sequences' states may lie anywhere.
struct MlstmStatePointers {
  float* C;  // [NH, DHQK, DHV]
  float* n;  // [NH, DHQK]
  float* m;  // [NH]
};

struct MlstmStepArgs {
  std::size_t B = 0;     // sequences
  std::size_t NH = 0;    // heads
  std::size_t DHQK = 0;  // query/key width of a head
  std::size_t DHV = 0;   // value width of a head
  float eps = 1e-6F;     // added outside the max of the denominator
  // Floats from sequence to sequence of q, k and v, and of i and f, where they are columns of a
  // wider product; 0: contiguous.
  std::ptrdiff_t qkv_stride = 0, gate_stride = 0;
};

}  // namespace xlstm::kernels
