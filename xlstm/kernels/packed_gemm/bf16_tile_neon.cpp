// Tiles of bf16 with BFMMLA: four neighbours along K are the units of panels, [K / 4][rows] units
// of x, and of W four panels side by side, each [K / 4][8] units.
#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"
#include "xlstm/kernels/packed_gemm/neon-inl.h"
#include "xlstm/kernels/simd/simd.h"
#include "xlstm/kernels/vector/tile_rows.h"

#ifdef XLSTM_NEON_DOTS
#include <cstdint>
#include <cstring>

namespace xlstm::kernels {
namespace {

constexpr std::size_t kRows = 12, kColumns = 32, kDepth = 1024, kDepthMultiple = 32;
constexpr std::size_t kUnit = 4, kUnitBytes = 8;
constexpr std::size_t kBlock = 8;  // columns whose sums are in registers together

std::size_t units(std::size_t depth) {
  return ceil_div(depth, kUnit);
}

std::size_t x_bytes(std::size_t rows, const KBlock& d) {
  return units(d.depth) * rows * kUnitBytes;
}

std::size_t w_bytes(const KBlock& d) {
  return units(d.depth) * kColumns * kUnitBytes;
}

XLSTM_NEON_BF16 void pack_x(const float* x, std::ptrdiff_t x_stride, std::size_t rows,
                            std::size_t height, const KBlock& d, std::byte* tile) {
  for (std::size_t k = 0; k < d.depth; k += kUnit, tile += height * kUnitBytes) {
    for (std::size_t m = 0; m < height; ++m) {
      float32x4_t four = vdupq_n_f32(0.0F);
      if (m < rows) {
        const float* const from = x + static_cast<std::ptrdiff_t>(m) * x_stride + k;
        if (d.depth - k >= kUnit) {
          four = vld1q_f32(from);
        } else {
          float last[kUnit] = {};
          std::memcpy(last, from, (d.depth - k) * sizeof(float));
          four = vld1q_f32(last);
        }
      }
      vst1_u16(reinterpret_cast<std::uint16_t*>(tile + m * kUnitBytes),
               vreinterpret_u16_bf16(vcvt_bf16_f32(four)));
    }
  }
}

// before + x W^T of MR rows and kBlock columns.
template <int MR>
XLSTM_NEON_BF16 void multiply_block(const std::byte* x, const std::byte* w, std::size_t count,
                                    const float* before, std::ptrdiff_t before_stride, float* out,
                                    std::ptrdiff_t out_stride) {
  constexpr int kPairs = MR / 2;
  const auto* x_units = reinterpret_cast<const std::uint16_t*>(x);
  const auto* w_units = reinterpret_cast<const std::uint16_t*>(w);
  float32x4_t sum[kPairs][4];  // of 2 rows and 2 columns each
#pragma GCC unroll 6
  for (int p = 0; p < kPairs; ++p) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sum[p][j] = vdupq_n_f32(0.0F);
  }
  for (std::size_t u = 0; u < count; ++u, x_units += MR * kUnit, w_units += kBlock * kUnit) {
    const auto pair = [](const std::uint16_t* p)
                          XLSTM_NEON_BF16 { return vreinterpretq_bf16_u16(vld1q_u16(p)); };
    const bfloat16x8_t columns[4] = {pair(w_units), pair(w_units + 8), pair(w_units + 16),
                                     pair(w_units + 24)};
#pragma GCC unroll 6
    for (int p = 0; p < kPairs; ++p) {
      const bfloat16x8_t rows = pair(x_units + p * 8);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sum[p][j] = vbfmmlaq_f32(sum[p][j], rows, columns[j]);
    }
  }
#pragma GCC unroll 12
  for (int m = 0; m < MR; ++m) {
    const float* const from = before + m * before_stride;
    float* const to = out + m * out_stride;
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      const auto left = vreinterpretq_f64_f32(sum[m / 2][2 * v]);
      const auto right = vreinterpretq_f64_f32(sum[m / 2][2 * v + 1]);
      const auto row = m % 2 == 0 ? vzip1q_f64(left, right) : vzip2q_f64(left, right);
      vst1q_f32(to + v * 4, vaddq_f32(vld1q_f32(from + v * 4), vreinterpretq_f32_f64(row)));
    }
  }
}

template <int MR>
void multiply_rows(const std::byte* x, const std::byte* w, const KBlock& d, const float* before,
                   std::ptrdiff_t before_stride, float* out, std::ptrdiff_t out_stride) {
  const std::size_t count = units(d.depth);
  for (std::size_t n = 0; n < kColumns; n += kBlock) {
    multiply_block<MR>(x, w + n * count * kUnitBytes, count, before + n, before_stride, out + n,
                       out_stride);
  }
}

void multiply(const std::byte* x, const std::byte* w, std::size_t height, const KBlock& d,
              const float* before, std::ptrdiff_t before_stride, float* out,
              std::ptrdiff_t out_stride) {
  with_tile_rows<6, kRows, 2>(height, [&](auto rows) {
    multiply_rows<rows>(x, w, d, before, before_stride, out, out_stride);
  });
}

void pack_w(const std::uint16_t* rows, std::size_t stride, std::size_t columns, std::size_t depth,
            std::byte* panel) {
  for (std::size_t n = 0; n < kColumns; ++n) {
    const std::uint16_t* const row = rows + (n < columns ? n : columns - 1) * stride;
    std::byte* to = panel + (n / kBlock * units(depth) * kBlock + n % kBlock) * kUnitBytes;
    std::size_t k = 0;
    for (; k + kUnit <= depth; k += kUnit, to += kBlock * kUnitBytes) {
      std::memcpy(to, row + k, kUnitBytes);
    }
    if (k == depth) continue;
    std::memset(to, 0, kUnitBytes);
    std::memcpy(to, row + k, (depth - k) * sizeof *row);
  }
}

}  // namespace

const Bf16Tile* bf16_tile_neon() {
  static constexpr Bf16Tile kTile{
      {kRows, kColumns, kDepth, kDepthMultiple, x_bytes, w_bytes, pack_x, multiply}, pack_w};
  return has_simd(kNeonBf16Matrix) ? &kTile : nullptr;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const Bf16Tile* bf16_tile_neon() {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
