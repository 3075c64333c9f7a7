// Rows of W unpacked for the panels for AVX2, and their scales and biases.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "xlstm/kernels/quantized_linear/code_stream_tables.h"
#include "xlstm/kernels/quantized_linear/mxfp4_codes.h"
#include "xlstm/kernels/quantized_linear/quantized_panels_avx2_x-inl.h"

namespace xlstm::kernels {
namespace {

constexpr std::size_t kColumns = 16, kUnitBytes = 64;  // of a unit of all columns

XLSTM_AVX2 inline void store(__m256i v, std::byte* to) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(to), v);
}

XLSTM_AVX2 inline __m128i load_128(const std::byte* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

XLSTM_AVX2 inline __m256i load_pair(const std::byte* low, const std::byte* high) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(load_128(low)), load_128(high), 1);
}

// Four words of 32 bits of 8 rows, transposed. The loads put blocks of four words in their places;
// only within them are words shuffled.
XLSTM_AVX2 inline void load_words(const std::byte* const* rows, std::size_t offset,
                                  __m256i (&r)[4]) {
  const __m256i a = load_pair(rows[0] + offset, rows[4] + offset);
  const __m256i b = load_pair(rows[1] + offset, rows[5] + offset);
  const __m256i c = load_pair(rows[2] + offset, rows[6] + offset);
  const __m256i d = load_pair(rows[3] + offset, rows[7] + offset);
  const __m256i ab = _mm256_unpacklo_epi32(a, b), cd = _mm256_unpacklo_epi32(c, d);
  const __m256i ab_high = _mm256_unpackhi_epi32(a, b), cd_high = _mm256_unpackhi_epi32(c, d);
  r[0] = _mm256_unpacklo_epi64(ab, cd);
  r[1] = _mm256_unpackhi_epi64(ab, cd);
  r[2] = _mm256_unpacklo_epi64(ab_high, cd_high);
  r[3] = _mm256_unpackhi_epi64(ab_high, cd_high);
}

// r[i] lane j <-> r[j] lane i.
XLSTM_AVX2 inline void transpose(__m256i (&r)[8]) {
  __m256i t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm256_permute2x128_si256(r[i], r[i + 4], 0x20);
    t[i + 4] = _mm256_permute2x128_si256(r[i], r[i + 4], 0x31);
  }
  for (int i = 0; i < 8; ++i) r[i] = t[i];
}

// Codes of 4 bits, or what they stand for in a table of 16 bytes.
template <bool kTable>
XLSTM_AVX2 void unpack_nibbles(const std::byte* const* rows, std::size_t k, std::size_t count,
                               std::byte* to) {
  const __m256i mask = _mm256_set1_epi8(15);
  const __m256i table =
      _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(kMxfp4Codes)));
  for (std::size_t at = 0; at < count; at += 32, to += 8 * kUnitBytes) {
    __m256i r[4];
    load_words(rows, (k + at) / 2, r);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      __m256i even = _mm256_and_si256(r[j], mask);
      __m256i odd = _mm256_and_si256(_mm256_srli_epi16(r[j], 4), mask);
      if constexpr (kTable) {
        even = _mm256_shuffle_epi8(table, even);
        odd = _mm256_shuffle_epi8(table, odd);
      }
      store(even, to + 2 * j * kUnitBytes);
      store(odd, to + (2 * j + 1) * kUnitBytes);
    }
  }
}

// Codes of 8 bits, as such or as 16-bit numbers, of which a unit has two.
template <bool kWords>
XLSTM_AVX2 void unpack_bytes(const std::byte* const* rows, std::size_t k, std::size_t count,
                             std::byte* to) {
  constexpr std::size_t kUnits = kWords ? 2 : 1;  // of a word
  const __m256i even = _mm256_set1_epi16(255);
  for (std::size_t at = 0; at < count; at += 16, to += 4 * kUnits * kUnitBytes) {
    __m256i r[4];
    load_words(rows, k + at, r);
#pragma GCC unroll 4
    for (std::size_t j = 0; j < 4; ++j) {
      std::byte* const unit = to + j * kUnits * kUnitBytes;
      if constexpr (kWords) {
        store(_mm256_and_si256(r[j], even), unit);
        store(_mm256_srli_epi16(r[j], 8), unit + kUnitBytes);
      } else {
        store(r[j], unit);
      }
    }
  }
}

// Codes of 2, 3, 5 or 6 bits.
template <unsigned kBits>
struct Stream {
  static constexpr CodeStreamTables<kBits> kTables = {};

  static XLSTM_AVX2 inline __m256i load(const void* p) {
    return _mm256_load_si256(static_cast<const __m256i*>(p));
  }
  static XLSTM_AVX2 inline __m256i eight_of_each(__m256i bytes, int at) {
    const __m256i pairs = _mm256_shuffle_epi8(bytes, load(kTables.source + at * 32));
    return _mm256_srli_epi16(_mm256_mullo_epi16(pairs, load(kTables.factor + at * 16)), 8);
  }
  // kRun codes from p on, each in a byte. Nothing is read from `end` on.
  static XLSTM_AVX2 inline __m256i codes(const std::byte* p, const std::byte* end) {
    constexpr std::ptrdiff_t kHalf = 2 * kBits, kRead = kHalf + 16;
    std::byte last[kRead];
    if (end - p < kRead) {
      std::memset(last, 0, sizeof last);
      std::memcpy(last, p, static_cast<std::size_t>(end - p));
      p = last;
    }
    const __m256i bytes = load_pair(p, p + kHalf);
    return _mm256_and_si256(_mm256_packus_epi16(eight_of_each(bytes, 0), eight_of_each(bytes, 1)),
                            _mm256_set1_epi8(static_cast<char>((1U << kBits) - 1)));
  }
  static XLSTM_AVX2 void unpack(const std::byte* const* rows, const std::byte* end, std::size_t k,
                                std::size_t count, std::byte* to) {
    for (std::size_t at = 0; at < count; at += kRun, to += 8 * kUnitBytes) {
      __m256i r[8];
      for (int c = 0; c < 8; ++c) r[c] = codes(rows[c] + (k + at) * kBits / 8, end);
      transpose(r);
      for (std::size_t j = 0; j < 8; ++j) store(r[j], to + j * kUnitBytes);
    }
  }
};

// Elements [k, k + count) of 8 rows -> every other 32 bytes of `to`.
template <bool kWords>
void unpack_half(const Quantization& format, const std::byte* const* rows, const std::byte* end,
                 std::size_t k, std::size_t count, std::byte* to) {
  if constexpr (kWords) {
    return unpack_bytes<true>(rows, k, count, to);
  } else {
    if (format.mode == QuantizationMode::kMxfp4) return unpack_nibbles<true>(rows, k, count, to);
    switch (format.bits) {
      case 2:
        return Stream<2>::unpack(rows, end, k, count, to);
      case 3:
        return Stream<3>::unpack(rows, end, k, count, to);
      case 4:
        return unpack_nibbles<false>(rows, k, count, to);
      case 5:
        return Stream<5>::unpack(rows, end, k, count, to);
      case 6:
        return Stream<6>::unpack(rows, end, k, count, to);
      default:
        return unpack_bytes<false>(rows, k, count, to);
    }
  }
}

// Eight floats of `type`.
XLSTM_AVX2 inline __m256 load_floats(const std::byte* p, WeightType type) {
  if (type == WeightType::kF32) return _mm256_loadu_ps(reinterpret_cast<const float*>(p));
  if (type == WeightType::kF16) return _mm256_cvtph_ps(load_128(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_128(p)), 16));
}

// 2^(code - 127) / 2 of eight; 255 stands for NaN.
XLSTM_AVX2 inline __m256 load_half_powers(const std::byte* p) {
  const __m256i code = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  const auto where = [&](int value, __m256i bits, int instead) XLSTM_AVX2 {
    return _mm256_blendv_epi8(bits, _mm256_set1_epi32(instead),
                              _mm256_cmpeq_epi32(code, _mm256_set1_epi32(value)));
  };
  __m256i bits = _mm256_slli_epi32(_mm256_sub_epi32(code, _mm256_set1_epi32(1)), 23);
  bits = where(0, bits, 1 << 21);  // below the normal range
  bits = where(1, bits, 1 << 22);
  return _mm256_castsi256_ps(where(255, bits, 0x7FC00000));
}

// Groups [g, g + count), at most 8, of 8 rows of one array, transposed. Bytes: of an element.
template <class Load>
XLSTM_AVX2 inline void load_some_factors(const std::byte* array, std::size_t bytes,
                                         const std::size_t* rows, std::size_t groups, std::size_t g,
                                         const Load& load, float* to) {
  const std::size_t count = std::min<std::size_t>(8, groups - g);
  __m256i r[8];
  for (int c = 0; c < 8; ++c) {
    const std::byte* p = array + (rows[c] * groups + g) * bytes;
    std::byte last[8 * sizeof(float)];
    if (count < 8) {
      std::memset(last, 0, sizeof last);
      std::memcpy(last, p, count * bytes);
      p = last;
    }
    r[c] = _mm256_castps_si256(load(p));
  }
  transpose(r);
  for (std::size_t at = 0; at < count; ++at) {
    store(r[at], reinterpret_cast<std::byte*>(to + (g + at) * kColumns));
  }
}

// Scales and biases of a panel: a weight is scale * code + bias, where mxfp4's codes are twice the
// values and 12.
XLSTM_AVX2 void load_panel_factors(const QuantizedMatrix& W, const PanelRows<kColumns>& panel,
                                   std::size_t groups, float* scales, float* biases) {
  const auto load_array = [&](const void* array, std::size_t bytes, const auto& load, float* to) {
    for (std::size_t half = 0; half < kColumns; half += 8) {
      for (std::size_t g = 0; g < groups; g += 8) {
        load_some_factors(static_cast<const std::byte*>(array), bytes, panel.row + half, groups, g,
                          load, to + half);
      }
    }
  };
  if (W.format.mode == QuantizationMode::kMxfp4) {
    load_array(W.scales, 1, load_half_powers, scales);
    for (std::size_t at = 0; at < groups * kColumns; ++at) biases[at] = -12.0F * scales[at];
    return;
  }
  const auto load = [&](const std::byte* p) XLSTM_AVX2 { return load_floats(p, W.scale_type); };
  load_array(W.scales, weight_bytes(W.scale_type), load, scales);
  load_array(W.biases, weight_bytes(W.scale_type), load, biases);
}

}  // namespace
}  // namespace xlstm::kernels
