// The innermost part of a product with many rows: tiles of y from packed panels. Each way of
// multiplying (float32, pairs of bf16, groups of int8) is one TileKernel.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// A block of K: elements [k0, k0 + depth) of x and W. Groups of W begin at multiples of `group`;
// dense ways do not look at it.
struct PanelDepth {
  std::size_t depth;
  std::size_t group = 1;
};

// A tile of x is `rows` rows (an even number, at most tile_rows) of a block of K, a panel of W
// `columns` rows of W of it; what is in them is the way's own affair. Depths are filled up to whole
// units with zeros.
struct TileKernel {
  std::size_t rows;     // of the highest tile; others are at least half as high
  std::size_t columns;  // of every tile and panel
  std::size_t depth;    // most elements of K in a block
  std::size_t granule;  // blocks of K, but for the last, have multiples of it

  std::size_t (*x_bytes)(std::size_t rows, const PanelDepth& d);
  std::size_t (*w_bytes)(const PanelDepth& d);
  // x [height, depth], of which `rows` rows are there, others are zeros -> tile.
  void (*pack_x)(const float* x, std::ptrdiff_t x_stride, std::size_t rows, std::size_t height,
                 const PanelDepth& d, std::byte* tile);
  // out = before + x W^T, [height, columns]. `before` may be the same as `out`, or one row with
  // stride 0. x and w are aligned to 4 and 64 bytes.
  void (*multiply)(const std::byte* x, const std::byte* w, std::size_t height, const PanelDepth& d,
                   const float* before, std::ptrdiff_t before_stride, float* out,
                   std::ptrdiff_t out_stride);
};

}  // namespace xlstm::kernels
