// What the panels for AVX-512 are made of, and rows of x packed for them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "xlstm/kernels/packed_gemm/int8_avx512-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_panels-inl.h"

namespace xlstm::kernels {
namespace {

constexpr std::size_t kColumns = 32, kTileRows = 14;
constexpr std::size_t kStep = 128;       // elements of K that are unpacked together
constexpr std::size_t kChunk = 64;       // elements of a row of x that a vector holds
constexpr std::size_t kUnitBytes = 128;  // of a unit of all columns

// Up to kChunk elements of a row as signed bytes, zeros behind them; 16 of them to an inverse.
XLSTM_AVX512_INT8 __m512i quantized_chunk(const float* x, std::size_t count,
                                          const float (&inverses)[kChunk / 16]) {
  alignas(64) std::int8_t bytes[kChunk] = {};
  for (std::size_t at = 0; at < count; at += 16) {
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes + at),
                    avx512::quantized(x + at, inverses[at / 16]));
  }
  return _mm512_load_si512(bytes);
}

// The chunk at k of all rows, which lie in r, to the tile; adds the bytes of each row to its sums.
XLSTM_AVX512_INT8 void store_chunk(__m512i (&r)[16], std::size_t k, std::size_t count,
                                   std::size_t group, const XTile& tile) {
  const auto rows = static_cast<__mmask16>((1U << tile.height) - 1);
  const __m512i ones = _mm512_set1_epi8(1);
  avx512::transpose(r);
  for (std::size_t u = 0; u < count / 4; ++u) {
    _mm512_mask_storeu_epi32(tile.units + (k / 4 + u) * tile.height * 4, rows, r[u]);
    float* const sums = tile.sums + (k + 4 * u) / group * tile.height;
    const __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, r[u]);
    _mm512_mask_storeu_ps(
        sums, rows, _mm512_add_ps(_mm512_maskz_loadu_ps(rows, sums), _mm512_cvtepi32_ps(sum)));
  }
}

// Even codes of eight before the odd ones, where words are unpacked so.
XLSTM_AVX512_INT8 __m512i unit_order(bool nibbles) {
  alignas(64) std::uint8_t order[64];
  for (std::uint8_t at = 0; at < 64; ++at) {
    order[at] = nibbles ? static_cast<std::uint8_t>(at / 8 * 8 + at % 4 * 2 + at / 4 % 2) : at;
  }
  return _mm512_load_si512(order);
}

XLSTM_AVX512_INT8 void pack_x(const QuantizedLinearArgs& a, std::size_t m0, std::size_t rows,
                              std::size_t k0, std::size_t k1, std::byte* to) {
  const float* const x = a.x + static_cast<std::ptrdiff_t>(m0) * a.x_stride;
  const std::size_t group = group_of(a);
  const XTile tile(to, rows, a.K, a.K / group);
  const __m512i order = unit_order(a.W.format.bits == 4);
  std::memset(tile.sums + k0 / group * rows, 0, (k1 - k0) / group * rows * sizeof(float));
  float inverses[kTileRows][kStep / 16];
  for (std::size_t k = k0; k < k1; k += kChunk) {
    const std::size_t count = std::min(kChunk, k1 - k), in_step = (k - k0) % kStep;
    __m512i r[16];
    for (std::size_t m = 0; m < 16; ++m) r[m] = _mm512_setzero_si512();
    for (std::size_t m = 0; m < rows; ++m) {
      const float* const row = x + static_cast<std::ptrdiff_t>(m) * a.x_stride;
      for (std::size_t at = k; at < k + count; at += group) {
        if (at % group != 0) break;  // its group began with the last chunk
        const XScale scale = avx512::scale_of(row + at, group);
        tile.scales[at / group * rows + m] = scale.scale;
        std::fill_n(inverses[m] + (at - k + in_step) / 16, group / 16, scale.inverse);
      }
      float mine[kChunk / 16];
      std::memcpy(mine, inverses[m] + in_step / 16, sizeof mine);
      r[m] = _mm512_permutexvar_epi8(order, quantized_chunk(row + k, count, mine));
    }
    store_chunk(r, k, count, group, tile);
  }
  for (std::size_t at = k0 / group * rows; at < k1 / group * rows; ++at) {
    tile.sums[at] *= tile.scales[at];
  }
}

}  // namespace
}  // namespace xlstm::kernels
