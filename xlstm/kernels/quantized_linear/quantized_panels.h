// quantized_linear() with products of 8-bit whole numbers: a panel, some rows of W, is unpacked a few
// groups at a time into the first cache and multiplied with all rows of x, or a block of them.
#pragma once

#include <cstddef>

#include "xlstm/base/thread_pool.h"
#include "xlstm/kernels/quantized_linear/quantized_linear_args.h"

namespace xlstm::kernels {

// A block of rows of x times one panel of W.
struct PanelTask {
  const QuantizedLinearArgs& args;
  const std::byte* x;  // packed rows, tile after tile, from m0 on
  std::size_t m0, m1;  // at most PanelKernel::block_rows
  std::size_t n;       // the panel's first row of W
  std::byte* memory;   // PanelKernel::memory_bytes(), aligned to 64
};

struct PanelKernel {
  // Rows of x for which nothing else is faster.
  std::size_t fewest_rows, most_rows;
  std::size_t columns;         // rows of W in a panel
  std::size_t tile_rows;       // most rows of x that are packed together
  std::size_t block_rows;      // most rows of x in a task
  std::size_t depth_multiple;  // where K can be cut for packing

  // A packed row of x; tiles are as many times that.
  std::size_t (*row_bytes)(std::size_t K, std::size_t group);
  // Elements [k0, k1) of `rows` rows of K elements -> their places in the tile.
  void (*pack_x)(const float* x, std::ptrdiff_t x_stride, std::size_t rows, std::size_t k0,
                 std::size_t k1, std::size_t K, const Quantization& format, std::byte* tile);
  std::size_t (*memory_bytes)(std::size_t K, std::size_t group);
  void (*multiply)(const PanelTask& task);
};

// nullptr where there are no instructions for it (kernels/simd/simd.h).
const PanelKernel* panel_kernel();
const PanelKernel* panel_kernel_avx512();

// M, N, K > 0. The sum of an element of y is in an order that nothing but K and the group size
// decide.
void quantized_linear_panels(ThreadPool& pool, const PanelKernel& kernel,
                             const QuantizedLinearArgs& args);

}  // namespace xlstm::kernels
