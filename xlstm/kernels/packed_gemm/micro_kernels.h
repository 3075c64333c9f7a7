// The micro-kernels that there are, and which of them this machine can run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/packed_gemm/micro_kernel.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"

namespace xlstm::kernels {

// float32 products and sums on every machine. Panel of W: float32 [depth, columns].
const MicroKernel& float_tile();
// Rows of W in their own type -> a panel for float_tile(). `rows` points to the first element
// wanted, `stride` elements from row to row.
void pack_float_panel(const void* rows, WeightType type, std::size_t stride, std::size_t columns,
                      std::size_t depth, std::byte* panel);

// x rounded to bf16, exact products with bf16 weights, float32 sums.
struct Bf16Tile {
  MicroKernel kernel;
  // As pack_float_panel().
  void (*pack_w)(const std::uint16_t* rows, std::size_t stride, std::size_t columns,
                 std::size_t depth, std::byte* panel);
};

// x rounded to whole multiples of 1/127 of the largest magnitude of its group, exact products with
// the codes of quantised weights, sums of groups scaled in float32.
struct Int8Tile {
  MicroKernel kernel;
  // Rows [n, n + columns), elements [k0, k0 + d.depth) of W [N, K]; k0 is a multiple of 64 and of
  // the group size.
  void (*pack_w)(const QuantizedMatrix& W, std::size_t K, std::size_t n, std::size_t columns,
                 std::size_t k0, const KBlock& d, std::byte* panel);
};

// nullptr where there are no instructions for it (kernels/simd/simd.h).
const Bf16Tile* bf16_tile();
const Int8Tile* int8_tile();

// One for each kind of processor; likewise.
const Bf16Tile* bf16_tile_avx512();
const Bf16Tile* bf16_tile_neon();
const Int8Tile* int8_tile_avx512();
const Int8Tile* int8_tile_neon();

}  // namespace xlstm::kernels
