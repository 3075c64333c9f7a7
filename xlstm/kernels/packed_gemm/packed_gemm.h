// y = x W^T (+ bias) for many rows of x: blocks of K, packed panels of W and packed tiles of x,
// which a micro-kernel multiplies.
#pragma once

#include <cstddef>
#include <functional>

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/packed_gemm/micro_kernel.h"

namespace xlstm::kernels {

struct GemmArgs {
  const float* x;  // [M, K]
  std::ptrdiff_t x_stride;
  const float* bias;  // [N] or nullptr
  float* y;           // [M, N]
  std::ptrdiff_t y_stride;
  std::size_t M, N, K;
  std::size_t group = 1;  // of W, which K is a multiple of
};

// Rows of W, so that they can be prefetched, and how a panel is packed from them.
struct PackedWeights {
  const std::byte* rows;  // [N, row_bytes]
  std::size_t row_bytes;
  std::size_t bits;  // of an element
  // Rows [n, n + columns) x elements [k0, k0 + d.depth) -> panel. Rows of the panel beyond
  // `columns` may hold anything finite. Called by several threads.
  std::function<void(std::size_t n, std::size_t columns, std::size_t k0, const KBlock& d,
                     std::byte* panel)>
      pack;
};

// Every element of y is summed in the same order whatever the number of threads. M, N, K > 0.
void packed_gemm(ThreadPool& pool, const MicroKernel& kernel, const GemmArgs& p,
                 const PackedWeights& W);

}  // namespace xlstm::kernels
