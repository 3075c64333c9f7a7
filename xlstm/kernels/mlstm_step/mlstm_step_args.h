// Sizes and constants of one mLSTM step.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

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
