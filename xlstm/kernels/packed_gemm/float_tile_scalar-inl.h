// For a processor, or a compiler, without vectors: the float32 tile in plain loops.
#if defined(XLSTM_FLOAT_TILE_SCALAR_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_FLOAT_TILE_SCALAR_INL
#undef XLSTM_FLOAT_TILE_SCALAR_INL
#else
#define XLSTM_FLOAT_TILE_SCALAR_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"

#if HWY_TARGET == HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

constexpr std::size_t kTileRows = 4, kTileColumns = 4, kTileDepth = 512;

float widened(const void* rows, WeightType type, std::size_t at) {
  if (type == WeightType::kF32) return static_cast<const float*>(rows)[at];
  const std::uint16_t half = static_cast<const std::uint16_t*>(rows)[at];
  return type == WeightType::kBF16 ? float_from_bf16(half) : float_from_f16(half);
}

void pack_panel(const void* rows, WeightType type, std::size_t stride, std::size_t columns,
                std::size_t depth, float* panel) {
  for (std::size_t n = 0; n < kTileColumns; ++n) {
    const std::size_t row = std::min(n, columns - 1) * stride;
    for (std::size_t k = 0; k < depth; ++k) {
      panel[k * kTileColumns + n] = widened(rows, type, row + k);
    }
  }
}

std::size_t x_tile_bytes(std::size_t rows, const KBlock& d) {
  return rows * d.depth * sizeof(float);
}

std::size_t panel_bytes(const KBlock& d) {
  return d.depth * kTileColumns * sizeof(float);
}

void pack_x_tile(const float* x, std::ptrdiff_t x_stride, std::size_t rows, std::size_t height,
                 const KBlock& d, std::byte* tile) {
  auto* const to = reinterpret_cast<float*>(tile);
  for (std::size_t m = 0; m < height; ++m) {
    const float* const row = x + static_cast<std::ptrdiff_t>(m) * x_stride;
    for (std::size_t k = 0; k < d.depth; ++k) to[k * height + m] = m < rows ? row[k] : 0.0F;
  }
}

void multiply_tile(const std::byte* x_bytes, const std::byte* w_bytes, std::size_t height,
                   const KBlock& d, const float* before, std::ptrdiff_t before_stride, float* out,
                   std::ptrdiff_t out_stride) {
  const auto* const x = reinterpret_cast<const float*>(x_bytes);
  const auto* const w = reinterpret_cast<const float*>(w_bytes);
  for (std::size_t m = 0; m < height; ++m) {
    for (std::size_t n = 0; n < kTileColumns; ++n) {
      float sum = 0.0F;
      for (std::size_t k = 0; k < d.depth; ++k) sum += x[k * height + m] * w[k * kTileColumns + n];
      const auto row = static_cast<std::ptrdiff_t>(m), at = static_cast<std::ptrdiff_t>(n);
      out[row * out_stride + at] = before[row * before_stride + at] + sum;
    }
  }
}

const MicroKernel* micro_kernel() {
  static constexpr MicroKernel kKernel{kTileRows,    kTileColumns, kTileDepth,  1,
                                       x_tile_bytes, panel_bytes,  pack_x_tile, multiply_tile};
  return &kKernel;
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
