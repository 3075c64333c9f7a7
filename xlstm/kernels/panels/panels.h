// y = x W^T (+ bias) for many rows of x: how the work is cut into blocks of K, panels of W and
// tiles of y, and who does what, whatever the way of multiplying.
#pragma once

#include <cstddef>
#include <functional>

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/panels/tile_kernel.h"

namespace xlstm::kernels {

struct PanelProduct {
  const float* x;  // [M, K]
  std::ptrdiff_t x_stride;
  const float* bias;  // [N] or nullptr
  float* y;           // [M, N]
  std::ptrdiff_t y_stride;
  std::size_t M, N, K;
  std::size_t group = 1;  // of W, which K is a multiple of
};

// Where rows of W lie, so that they can be fetched ahead, and how a panel is made of them.
struct PanelWeights {
  const std::byte* rows;  // [N, row_bytes]
  std::size_t row_bytes;
  std::size_t bits;  // of an element
  // Rows [n, n + columns) x elements [k0, k0 + d.depth) -> panel. Rows of the panel beyond
  // `columns` may hold anything finite. Called by several threads.
  std::function<void(std::size_t n, std::size_t columns, std::size_t k0, const PanelDepth& d,
                     std::byte* panel)>
      pack;
};

// Every element of y is summed in the same order whatever the number of threads. M, N, K > 0.
void multiply_panels(ThreadPool& pool, const TileKernel& kernel, const PanelProduct& p,
                     const PanelWeights& W);

}  // namespace xlstm::kernels
