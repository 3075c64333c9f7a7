// How AVX2 multiplies a tile of x with a step of a panel, and what all ways of that share.
//
// Sums of a group are whole numbers and exact, so all ways give the same. Every product of a row is
// pinned behind the one before: compilers bring later ones forward and run out of registers.
#pragma once

#include <cstdint>

#include "xlstm/kernels/quantized_linear/quantized_panels_avx2_w-inl.h"

#define XLSTM_AVX2_INLINE XLSTM_AVX2 inline __attribute__((always_inline))

namespace xlstm::kernels {
namespace {

// Not __m256i, a vector of 64-bit numbers: with that, GCC 12 keeps sums in memory.
using Sums = int __attribute__((vector_size(32)));
using ShortSums = short __attribute__((vector_size(32)));

template <class Vector>
XLSTM_AVX2_INLINE void pin(Vector (&both)[2]) {
  asm volatile("" : "+x"(both[0]), "+x"(both[1]));
}

XLSTM_AVX2_INLINE __m256i load_half(const std::byte* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}

// Unit m of a row of units, to all columns.
XLSTM_AVX2_INLINE __m256i unit_of_row(const std::byte* x, int m) {
  return _mm256_castps_si256(_mm256_broadcast_ss(reinterpret_cast<const float*>(x) + m));
}

// Some of the lines to prefetch: a core waits for no more than some twenty.
inline __attribute__((always_inline)) void prefetch_some(Lines& ahead, std::size_t most) {
  const std::size_t count = std::min(most, ahead.count);
  for (std::size_t at = 0; at < count; ++at) {
    __builtin_prefetch(ahead.first, 0, 2);
    ahead.first += ahead.stride;
  }
  ahead.count -= count;
}

// Of one group: scales of x and its sums, times these, [rows]; scales and biases of W [kColumns].
struct GroupFactors {
  GroupFactors(const Tile& tile, const StepGroups& s)
      : x_scales(tile.scales),
        x_sums(tile.sums),
        w_scales(s.w_scales),
        w_biases(s.w_biases),
        rows(tile.height) {}
  void next() {
    x_scales += rows;
    x_sums += rows;
    w_scales += kColumns;
    w_biases += kColumns;
  }
  const float *x_scales, *x_sums, *w_scales, *w_biases;
  std::size_t rows;
};

// total += x_scale (w_scale sum) + x_sum w_bias of row m.
XLSTM_AVX2_INLINE void add_scaled(const Sums (&sum)[2], int m, const GroupFactors& f,
                                  float* total) {
  const __m256 x_scale = _mm256_broadcast_ss(f.x_scales + m);
  const __m256 x_sum = _mm256_broadcast_ss(f.x_sums + m);
#pragma GCC unroll 2
  for (int v = 0; v < 2; ++v) {
    float* const to = total + m * static_cast<int>(kColumns) + v * 8;
    const __m256 scaled =
        _mm256_mul_ps(_mm256_cvtepi32_ps((__m256i)sum[v]), _mm256_load_ps(f.w_scales + v * 8));
    const __m256 with_bias =
        _mm256_fmadd_ps(x_sum, _mm256_load_ps(f.w_biases + v * 8), _mm256_load_ps(to));
    _mm256_store_ps(to, _mm256_fmadd_ps(x_scale, scaled, with_bias));
  }
}

// What ways have in common. kWords: 16-bit numbers, two to a unit, instead of bytes, four to one.
template <bool kWords>
struct Avx2Way {
  static constexpr std::size_t kColumns = kernels::kColumns, kTileRows = 6;
  static constexpr std::size_t kBlockRows = kWords ? 72 : 144;  // in the second cache with panels
  static constexpr std::size_t kStep = 128, kElementBytes = kWords ? 2 : 1;

  static void pack_x(const QuantizedLinearArgs& a, std::size_t m0, std::size_t rows, std::size_t k0,
                     std::size_t k1, std::byte* to) {
    kernels::pack_x<kWords>(a, m0, rows, k0, k1, to);
  }
  static void unpack(const Quantization& format, const PanelRows<kColumns>& rows, std::size_t k,
                     std::size_t count, std::byte* to) {
    unpack_half<kWords>(format, rows.words, rows.end, k, count, to);
    unpack_half<kWords>(format, rows.words + 8, rows.end, k, count, to + kUnitBytes / 2);
  }
  static void load_factors(const QuantizedMatrix& W, const PanelRows<kColumns>& rows,
                           std::size_t groups, float* scales, float* biases) {
    load_panel_factors(W, rows, groups, scales, biases);
  }
};

// Codes of at most 6 bits with vpmaddubsw: products of bytes, added in pairs, as 16-bit numbers, of
// which kSummed are added before they are widened. None saturates: kSummed * 2 * 128 * the largest
// code is below 2^15.
template <int kSummed>
struct Bytes : Avx2Way<false> {
  static_assert(8 % kSummed == 0, "a group has a multiple of 8 units");

  // The products of kSummed units.
  template <int MR>
  static XLSTM_AVX2_INLINE void sum_units(const std::byte* x, const std::byte* w,
                                          ShortSums (&sum)[MR][2]) {
#pragma GCC unroll 8
    for (int u = 0; u < kSummed; ++u, x += MR * 4, w += kUnitBytes) {
      const __m256i w0 = load_half(w), w1 = load_half(w + 32);
#pragma GCC unroll 8
      for (int m = 0; m < MR; ++m) {
        const __m256i row = unit_of_row(x, m);
        const auto left = (ShortSums)_mm256_maddubs_epi16(w0, row);
        const auto right = (ShortSums)_mm256_maddubs_epi16(w1, row);
        sum[m][0] = u == 0 ? left : sum[m][0] + left;
        sum[m][1] = u == 0 ? right : sum[m][1] + right;
        pin(sum[m]);
      }
    }
  }

  template <int MR>
  static XLSTM_AVX2 void add_step(const Tile& tile, const std::byte* w, const StepGroups& s) {
    constexpr std::size_t kRuns = kStep / 4 / kSummed;
    const __m256i ones = _mm256_set1_epi16(1);
    const std::byte* x = tile.units;
    float* const total = tile.total;
    GroupFactors f(tile, s);
    Lines ahead = s.ahead;
    const std::size_t lines = ceil_div(ahead.count, kRuns), runs = s.units / kSummed;
    alignas(32) Sums sums[MR][2] = {};
    for (std::size_t left = s.count; left > 0; --left, f.next()) {
      for (std::size_t run = 1; run < runs; ++run, x += kSummed * MR * 4) {
        ShortSums sum[MR][2];
        sum_units<MR>(x, w, sum);
        w += kSummed * kUnitBytes;
        prefetch_some(ahead, lines);
#pragma GCC unroll 8
        for (int m = 0; m < MR; ++m) {
#pragma GCC unroll 2
          for (int v = 0; v < 2; ++v) {
            const auto wide = (Sums)_mm256_madd_epi16((__m256i)sum[m][v], ones);
            sums[m][v] = run == 1 ? wide : wide + sums[m][v];
          }
        }
      }
      ShortSums sum[MR][2];  // of the group's last run
      sum_units<MR>(x, w, sum);
      x += kSummed * MR * 4;
      w += kSummed * kUnitBytes;
      prefetch_some(ahead, lines);
#pragma GCC unroll 8
      for (int m = 0; m < MR; ++m) {
        Sums wide[2];
#pragma GCC unroll 2
        for (int v = 0; v < 2; ++v) {
          wide[v] = (Sums)_mm256_madd_epi16((__m256i)sum[m][v], ones);
          if (runs > 1) wide[v] += sums[m][v];
        }
        add_scaled(wide, m, f, total);
      }
    }
  }
};

}  // namespace
}  // namespace xlstm::kernels
