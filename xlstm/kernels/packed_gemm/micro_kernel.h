// The innermost loops of a product with many rows: a tile of y from a packed tile of x and a packed
// panel of W. There is one for float32, for pairs of bf16 and for groups of int8.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// A block of K: elements [k0, k0 + depth) of x and W. Groups of W begin at multiples of `group`,
// which dense micro-kernels do not look at.
struct KBlock {
  std::size_t depth;
  std::size_t group = 1;
};

// A tile of x is an even number of rows, at most `rows`, of a block of K; a panel of W `columns`
// rows of W of it. How they are laid out only the micro-kernel knows. Blocks are padded with zeros.
struct MicroKernel {
  std::size_t rows;            // of the highest tile; others are at least half as high
  std::size_t columns;         // of every tile and panel
  std::size_t depth;           // most elements of K in a block
  std::size_t depth_multiple;  // blocks of K, but for the last, have multiples of it

  std::size_t (*x_bytes)(std::size_t rows, const KBlock& d);
  std::size_t (*w_bytes)(const KBlock& d);
  // x [height, depth], of which `rows` rows are there, others are zeros -> tile.
  void (*pack_x)(const float* x, std::ptrdiff_t x_stride, std::size_t rows, std::size_t height,
                 const KBlock& d, std::byte* tile);
  // out = before + x W^T, [height, columns]. `before` may be the same as `out`, or one row with
  // stride 0. x and w are aligned to 4 and 64 bytes.
  void (*multiply)(const std::byte* x, const std::byte* w, std::size_t height, const KBlock& d,
                   const float* before, std::ptrdiff_t before_stride, float* out,
                   std::ptrdiff_t out_stride);
};

}  // namespace xlstm::kernels
