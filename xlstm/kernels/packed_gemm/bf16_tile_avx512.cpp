// Tiles of bf16 with vdpbf16ps: pairs of neighbours along K are the units of panels, [K / 2][32]
// pairs of W and [K / 2][rows] pairs of x.
#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"

#if defined(__x86_64__)
#include "xlstm/kernels/packed_gemm/avx512-inl.h"
#include "xlstm/kernels/simd/simd.h"
#include "xlstm/kernels/vector/tile_rows.h"

namespace xlstm::kernels {
namespace {

constexpr std::size_t kRows = 14, kColumns = 32, kDepth = 1024;
constexpr std::size_t kChunk = 32;  // elements of a row that a vector holds

std::size_t units(std::size_t depth) {
  return ceil_div(depth, kChunk) * (kChunk / 2);
}

std::size_t x_bytes(std::size_t rows, const KBlock& d) {
  return units(d.depth) * rows * 4;
}

std::size_t w_bytes(const KBlock& d) {
  return units(d.depth) * kColumns * 4;
}

// Up to 32 floats as bf16, the rest zeros.
XLSTM_AVX512_BF16 inline __m512i load_x(const float* x, std::size_t count) {
  const __mmask16 low = count >= 16 ? 0xFFFF : static_cast<__mmask16>((1U << count) - 1);
  const __mmask16 high = count >= 32   ? 0xFFFF
                         : count <= 16 ? 0
                                       : static_cast<__mmask16>((1U << (count - 16)) - 1);
  const __m512 a = _mm512_maskz_loadu_ps(low, x), b = _mm512_maskz_loadu_ps(high, x + 16);
  return (__m512i)_mm512_cvtne2ps_pbh(b, a);
}

XLSTM_AVX512_BF16 void pack_x(const float* x, std::ptrdiff_t x_stride, std::size_t rows,
                              std::size_t height, const KBlock& d, std::byte* tile) {
  const __mmask16 mask = static_cast<__mmask16>((1U << height) - 1);
  for (std::size_t k = 0; k < d.depth; k += kChunk) {
    __m512i r[16];
    for (std::size_t m = 0; m < 16; ++m) {
      r[m] = m < rows ? load_x(x + static_cast<std::ptrdiff_t>(m) * x_stride + k, d.depth - k)
                      : _mm512_setzero_si512();
    }
    avx512::transpose(r);
    for (std::size_t u = 0; u < 16; ++u) {
      _mm512_mask_storeu_epi32(tile + (k / 2 + u) * height * 4, mask, r[u]);
    }
  }
}

template <int MR>
XLSTM_AVX512_BF16 void multiply_rows(const std::byte* x, const std::byte* w, std::size_t count,
                                     const float* before, std::ptrdiff_t before_stride, float* out,
                                     std::ptrdiff_t out_stride) {
  constexpr std::size_t kPrefetchSteps = 12;
  __m512 sum[MR][2];
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    __builtin_prefetch(out + m * out_stride);
    __builtin_prefetch(out + m * out_stride + 31);
    sum[m][0] = _mm512_setzero_ps();
    sum[m][1] = _mm512_setzero_ps();
  }
  for (std::size_t u = 0; u < count; ++u, x += MR * 4, w += kColumns * 4) {
    __builtin_prefetch(w + kPrefetchSteps * kColumns * 4);
    __builtin_prefetch(w + kPrefetchSteps * kColumns * 4 + 64);
    __builtin_prefetch(x + kPrefetchSteps * MR * 4);
    const __m512i w0 = _mm512_load_si512(w), w1 = _mm512_load_si512(w + 64);
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) {
      const __m512i row = (__m512i)_mm512_set1_ps(reinterpret_cast<const float*>(x)[m]);
      sum[m][0] = _mm512_dpbf16_ps(sum[m][0], (__m512bh)row, (__m512bh)w0);
      sum[m][1] = _mm512_dpbf16_ps(sum[m][1], (__m512bh)row, (__m512bh)w1);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    const float* const from = before + m * before_stride;
    float* const to = out + m * out_stride;
    _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(from), sum[m][0]));
    _mm512_storeu_ps(to + 16, _mm512_add_ps(_mm512_loadu_ps(from + 16), sum[m][1]));
  }
}

void multiply(const std::byte* x, const std::byte* w, std::size_t height, const KBlock& d,
              const float* before, std::ptrdiff_t before_stride, float* out,
              std::ptrdiff_t out_stride) {
  const std::size_t count = (d.depth + 1) / 2;
  with_tile_rows<8, kRows, 2>(height, [&](auto rows) {
    multiply_rows<rows>(x, w, count, before, before_stride, out, out_stride);
  });
}

XLSTM_AVX512_BF16 void pack_w(const std::uint16_t* rows, std::size_t stride, std::size_t columns,
                              std::size_t depth, std::byte* panel) {
  for (std::size_t k = 0; k < depth; k += kChunk) {
    const __mmask32 mask =
        depth - k >= kChunk ? 0xFFFFFFFF : static_cast<__mmask32>((1U << (depth - k)) - 1);
    for (std::size_t half = 0; half < 2; ++half) {
      __m512i r[16];
      for (std::size_t n = 0; n < 16; ++n) {
        const std::size_t row = half * 16 + n < columns ? half * 16 + n : columns - 1;
        r[n] = _mm512_maskz_loadu_epi16(mask, rows + row * stride + k);
      }
      avx512::transpose(r);
      for (std::size_t u = 0; u < 16; ++u) {
        _mm512_store_si512(panel + (k / 2 + u) * kColumns * 4 + half * 64, r[u]);
      }
    }
  }
}

}  // namespace

const Bf16Tile* bf16_tile_avx512() {
  static constexpr Bf16Tile kTile{
      {kRows, kColumns, kDepth, kChunk, x_bytes, w_bytes, pack_x, multiply}, pack_w};
  return has_simd(kAvx512Bf16) ? &kTile : nullptr;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const Bf16Tile* bf16_tile_avx512() {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
