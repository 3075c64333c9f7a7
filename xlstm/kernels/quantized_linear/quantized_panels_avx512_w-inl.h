// Rows of W unpacked for the panels for AVX-512, and their scales and biases.
#pragma once

#include <algorithm>
#include <cstdint>

#include "xlstm/kernels/quantized_linear/mxfp4_codes.h"
#include "xlstm/kernels/quantized_linear/quantized_panels_avx512_x-inl.h"

namespace xlstm::kernels {
namespace {

// Codes of 4 bits, or what they stand for in a table of 16 bytes.
template <bool kTable>
XLSTM_AVX512_INT8 void unpack_nibbles(const std::byte* const* rows, std::size_t k,
                                      std::size_t count, std::byte* to) {
  const __m512i mask = _mm512_set1_epi8(15);
  const __m512i table =
      _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(kMxfp4Codes)));
  for (std::size_t at = 0; at < count; at += 32, to += 8 * kUnitBytes) {
    __m512i r[4];
    avx512::load_words(rows, (k + at) / 2, r);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      __m512i even = _mm512_and_si512(r[j], mask);
      __m512i odd = _mm512_and_si512(_mm512_srli_epi32(r[j], 4), mask);
      if constexpr (kTable) {
        even = _mm512_shuffle_epi8(table, even);
        odd = _mm512_shuffle_epi8(table, odd);
      }
      _mm512_store_si512(to + 2 * j * kUnitBytes, even);
      _mm512_store_si512(to + (2 * j + 1) * kUnitBytes, odd);
    }
  }
}

XLSTM_AVX512_INT8 void unpack_bytes(const std::byte* const* rows, std::size_t k, std::size_t count,
                                    std::byte* to) {
  for (std::size_t at = 0; at < count; at += 16, to += 4 * kUnitBytes) {
    __m512i r[4];
    avx512::load_words(rows, k + at, r);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) _mm512_store_si512(to + j * kUnitBytes, r[j]);
  }
}

// Codes of 2, 3, 5 or 6 bits: unpacked, then transposed. 8 of them lie in as many bytes.
struct Stream {
  __m512i bytes;   // the bytes that hold 8 codes, in each 8 bytes
  __m512i shifts;  // a code into each byte
  __m512i mask;
};

XLSTM_AVX512_INT8 Stream stream_of(unsigned bits) {
  alignas(64) std::uint8_t bytes[64], shifts[64];
  for (unsigned at = 0; at < 64; ++at) {
    bytes[at] = static_cast<std::uint8_t>((at / 8 * bits + at % 8) & 63U);
    shifts[at] = static_cast<std::uint8_t>(at % 8 * bits);
  }
  return {_mm512_load_si512(bytes), _mm512_load_si512(shifts),
          _mm512_set1_epi8(static_cast<char>((1U << bits) - 1))};
}

XLSTM_AVX512_INT8 void unpack_stream(const std::byte* const* rows, std::size_t bits, std::size_t k,
                                     std::size_t count, std::byte* to) {
  const Stream how = stream_of(static_cast<unsigned>(bits));
  for (std::size_t at = 0; at < count; at += kChunk, to += 16 * kUnitBytes) {
    const std::size_t bytes = std::min(kChunk, count - at) * bits / 8;
    const __mmask64 there = (std::uint64_t{1} << bytes) - 1;
    __m512i r[16];
    for (int c = 0; c < 16; ++c) {
      const __m512i packed = _mm512_maskz_loadu_epi8(there, rows[c] + (k + at) * bits / 8);
      const __m512i spread = _mm512_permutexvar_epi8(how.bytes, packed);
      r[c] = _mm512_and_si512(_mm512_multishift_epi64_epi8(how.shifts, spread), how.mask);
    }
    avx512::transpose(r);
    for (int j = 0; j < 16; ++j) _mm512_store_si512(to + j * static_cast<int>(kUnitBytes), r[j]);
  }
}

// Elements [k, k + count) of 16 rows -> every other 64 bytes of `to`.
void unpack_half(const Quantization& format, const std::byte* const* rows, std::size_t k,
                 std::size_t count, std::byte* to) {
  if (format.mode == QuantizationMode::kMxfp4) return unpack_nibbles<true>(rows, k, count, to);
  if (format.bits == 4) return unpack_nibbles<false>(rows, k, count, to);
  if (format.bits == 8) return unpack_bytes(rows, k, count, to);
  unpack_stream(rows, static_cast<std::size_t>(format.bits), k, count, to);
}

// Floats [at, at + 16) of those that are `there`.
XLSTM_AVX512_INT8 inline __m512 load_factors(const void* array, WeightType type, std::size_t at,
                                             __mmask16 there) {
  if (type == WeightType::kF32) {
    return _mm512_maskz_loadu_ps(there, static_cast<const float*>(array) + at);
  }
  const __m256i half =
      _mm256_maskz_loadu_epi16(there, static_cast<const std::uint16_t*>(array) + at);
  if (type == WeightType::kF16) return _mm512_cvtph_ps(half);
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

// 2^(code - 127) / 2; 255 stands for NaN.
XLSTM_AVX512_INT8 inline __m512 load_half_powers(const void* array, std::size_t at,
                                                 __mmask16 there) {
  const __m512i code = _mm512_cvtepu8_epi32(
      _mm_maskz_loadu_epi8(there, static_cast<const std::uint8_t*>(array) + at));
  const auto equals = [&](int value) XLSTM_AVX512_INT8 {
    return _mm512_cmpeq_epi32_mask(code, _mm512_set1_epi32(value));
  };
  __m512i bits = _mm512_slli_epi32(_mm512_sub_epi32(code, _mm512_set1_epi32(1)), 23);
  bits = _mm512_mask_set1_epi32(bits, equals(0), 1 << 21);  // below the normal range
  bits = _mm512_mask_set1_epi32(bits, equals(1), 1 << 22);
  return _mm512_castsi512_ps(_mm512_mask_set1_epi32(bits, equals(255), 0x7FC00000));
}

XLSTM_AVX512_INT8 void store_transposed(__m512i (&r)[16], std::size_t count, float* to) {
  avx512::transpose(r);
  for (std::size_t g = 0; g < count; ++g) _mm512_store_si512(to + g * kColumns, r[g]);
}

// Groups [g, g + count), at most 16, of 16 rows.
XLSTM_AVX512_INT8 void load_some_factors(const QuantizedMatrix& W, const std::size_t* rows,
                                         std::size_t groups, std::size_t g, std::size_t count,
                                         float* scales, float* biases) {
  const bool mxfp4 = W.format.mode == QuantizationMode::kMxfp4;
  const auto there = static_cast<__mmask16>((1U << count) - 1);
  __m512i s[16], b[16];
  for (std::size_t c = 0; c < 16; ++c) {
    const std::size_t at = rows[c] * groups + g;
    const __m512 scale = mxfp4 ? load_half_powers(W.scales, at, there)
                               : load_factors(W.scales, W.scale_type, at, there);
    const __m512 bias = mxfp4 ? _mm512_mul_ps(scale, _mm512_set1_ps(-12.0F))
                              : load_factors(W.biases, W.scale_type, at, there);
    s[c] = _mm512_castps_si512(scale);
    b[c] = _mm512_castps_si512(bias);
  }
  store_transposed(s, count, scales + g * kColumns);
  store_transposed(b, count, biases + g * kColumns);
}

// Eight groups of 16 rows of `array`, two to a word: transposed as such.
XLSTM_AVX512_INT8 inline void load_factor_pairs(const void* array, WeightType type,
                                                const std::size_t* rows, std::size_t groups,
                                                std::size_t g, float* to) {
  const std::byte* first[16];
  for (int c = 0; c < 16; ++c) {
    first[c] = static_cast<const std::byte*>(array) + (rows[c] * groups + g) * 2;
  }
  __m512i r[4];
  avx512::load_words(first, 0, r);
#pragma GCC unroll 4
  for (std::size_t j = 0; j < 4; ++j, to += 2 * kColumns) {
    if (type == WeightType::kF16) {
      _mm512_store_ps(to, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(r[j])));
      _mm512_store_ps(to + kColumns,
                      _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(r[j], 16))));
    } else {
      _mm512_store_si512(to, _mm512_slli_epi32(r[j], 16));
      _mm512_store_si512(to + kColumns, _mm512_and_si512(r[j], _mm512_set1_epi32(-65536)));
    }
  }
}

// Scales and biases of a panel: a weight is scale * code + bias, where mxfp4's codes are twice the
// values and 12.
XLSTM_AVX512_INT8 void load_panel_factors(const QuantizedMatrix& W,
                                          const PanelRows<kColumns>& panel, std::size_t groups,
                                          float* all_scales, float* all_biases) {
  const bool halves =
      W.format.mode == QuantizationMode::kAffine && W.scale_type != WeightType::kF32;
  for (std::size_t half = 0; half < kColumns; half += 16) {
    const std::size_t* const rows = panel.row + half;
    float *const scales = all_scales + half, *const biases = all_biases + half;
    std::size_t g = 0;
    for (; halves && g + 8 <= groups; g += 8) {
      load_factor_pairs(W.scales, W.scale_type, rows, groups, g, scales + g * kColumns);
      load_factor_pairs(W.biases, W.scale_type, rows, groups, g, biases + g * kColumns);
    }
    for (; g < groups; g += 16) {
      load_some_factors(W, rows, groups, g, std::min<std::size_t>(16, groups - g), scales, biases);
    }
  }
}

}  // namespace
}  // namespace xlstm::kernels
