// Panels of W with vpdpbusd: four neighbours along K are the units of panels and tiles,
//   a tile of x: [K / 4][rows] units of signed bytes, then [groups][rows] scales and [groups][rows]
//      sums of the bytes times the scale, float32,
//   a step of W: [128 / 4][32] units of unsigned codes; scales and biases [groups][32], float32.
// With w = s q + b and x = t p: sum_k x w = sum_groups t (s sum_k p q + b sum_k p).
//
// Words of 32 bits are transposed before they are unpacked. A word of 4-bit codes gives two units,
// its even codes and its odd ones: x is packed so too.
#include "xlstm/kernels/quantized_linear/quantized_panels.h"

#if defined(__x86_64__)
#include <algorithm>
#include <cstdint>

#include "xlstm/kernels/packed_gemm/avx512-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_panels_avx512_w-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_panels_avx512_x-inl.h"
#include "xlstm/kernels/simd/simd.h"

namespace xlstm::kernels {
namespace {

// Not __m512i, a vector of 64-bit numbers: with that, GCC 12 keeps sums in memory.
using Sums = int __attribute__((vector_size(64)));

// One group: total += x_scales (w_scales (codes W^T) ) + x_sums w_biases, [MR, 32]. By itself, or
// compilers run out of registers.
template <int MR>
XLSTM_AVX512_INT8 __attribute__((noinline)) void add_group(const std::byte* x, const std::byte* w,
                                                           std::size_t units, const float* x_scales,
                                                           const float* x_sums,
                                                           const float* w_scales,
                                                           const float* w_biases,
                                                           const Lines& ahead, float* total) {
  constexpr std::size_t kPrefetchUnits = 12;
  Sums sum[MR][2];
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    sum[m][0] = Sums{};
    sum[m][1] = Sums{};
  }
  for (std::size_t u = 0; u < units; ++u, x += MR * 4, w += kUnitBytes) {
    __builtin_prefetch(x + kPrefetchUnits * MR * 4);
    if (u < ahead.count) __builtin_prefetch(ahead.first + u * ahead.stride, 0, 2);
    if (units + u < ahead.count) {
      __builtin_prefetch(ahead.first + (units + u) * ahead.stride, 0, 2);
    }
    const __m512i w0 = _mm512_load_si512(w), w1 = _mm512_load_si512(w + 64);
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) {
      const __m512i row = (__m512i)_mm512_set1_ps(reinterpret_cast<const float*>(x)[m]);
      sum[m][0] = (Sums)_mm512_dpbusd_epi32((__m512i)sum[m][0], w0, row);
      sum[m][1] = (Sums)_mm512_dpbusd_epi32((__m512i)sum[m][1], w1, row);
    }
  }
  const __m512 scale[] = {_mm512_load_ps(w_scales), _mm512_load_ps(w_scales + 16)};
  const __m512 bias[] = {_mm512_load_ps(w_biases), _mm512_load_ps(w_biases + 16)};
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    const __m512 x_scale = _mm512_set1_ps(x_scales[m]), x_sum = _mm512_set1_ps(x_sums[m]);
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      float* const to = total + m * static_cast<int>(kColumns) + v * 16;
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps((__m512i)sum[m][v]), scale[v]);
      const __m512 with_bias = _mm512_fmadd_ps(x_sum, bias[v], _mm512_load_ps(to));
      _mm512_store_ps(to, _mm512_fmadd_ps(x_scale, scaled, with_bias));
    }
  }
}

struct Avx512Way {
  static constexpr std::size_t kColumns = kernels::kColumns, kTileRows = kernels::kTileRows;
  static constexpr std::size_t kBlockRows = 70, kStep = kernels::kStep, kElementBytes = 1;

  static void pack_x(const QuantizedLinearArgs& a, std::size_t m0, std::size_t rows, std::size_t k0,
                     std::size_t k1, std::byte* to) {
    kernels::pack_x(a, m0, rows, k0, k1, to);
  }
  static void unpack(const Quantization& format, const PanelRows<kColumns>& rows, std::size_t k,
                     std::size_t count, std::byte* to) {
    unpack_half(format, rows.words, k, count, to);
    unpack_half(format, rows.words + 16, k, count, to + 64);
  }
  static void load_factors(const QuantizedMatrix& W, const PanelRows<kColumns>& rows,
                           std::size_t groups, float* scales, float* biases) {
    load_panel_factors(W, rows, groups, scales, biases);
  }
  template <int MR>
  static void add_step(const Tile& tile, const std::byte* w, const StepGroups& s) {
    const std::size_t most_lines = s.units * s.lines_a_unit;
    Lines ahead = s.ahead;
    for (std::size_t g = 0; g < s.count; ++g) {
      const std::size_t lines = std::min(most_lines, ahead.count);
      add_group<MR>(tile.units + g * s.units * MR * 4, w + g * s.units * kUnitBytes, s.units,
                    tile.scales + g * MR, tile.sums + g * MR, s.w_scales + g * kColumns,
                    s.w_biases + g * kColumns, {ahead.first, lines, ahead.stride}, tile.total);
      ahead.first += lines * ahead.stride;
      ahead.count -= lines;
    }
  }
};

}  // namespace

const PanelKernel<QuantizedLinearArgs>* quantized_panels_avx512() {
  // Measured with 4 and 8 bits: two rows are as fast in 16 bits (quantized_kernels.h), and of 512
  // the second cache holds no more than one block beside its panels.
  constexpr std::size_t kFewestRows = 3, kMostRows = 140;
  static constexpr PanelKernel<QuantizedLinearArgs> kKernel =
      panel_kernel<Avx512Way>(kFewestRows, kMostRows);
  return has_simd(kAvx512Int8) ? &kKernel : nullptr;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const PanelKernel<QuantizedLinearArgs>* quantized_panels_avx512() {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
