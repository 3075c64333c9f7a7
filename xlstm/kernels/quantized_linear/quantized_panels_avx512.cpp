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
#include <cstring>
#include <utility>

#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/packed_gemm/avx512-inl.h"
#include "xlstm/kernels/quantized_linear/mxfp4_codes.h"
#include "xlstm/kernels/simd/simd.h"

namespace xlstm::kernels {
namespace {

constexpr std::size_t kColumns = 32, kTileRows = 14, kBlockRows = 70;
constexpr std::size_t kStep = 128;       // elements of K that are unpacked together
constexpr std::size_t kChunk = 64;       // elements of a row of x that a vector holds
constexpr std::size_t kUnitBytes = 128;  // of a unit of all columns

using Task = PanelTask<QuantizedLinearArgs>;

std::size_t group_of(const QuantizedLinearArgs& a) {
  return static_cast<std::size_t>(a.W.format.group_size);
}

std::size_t weight_bytes_of(const QuantizedLinearArgs& a) {
  return a.K * static_cast<std::size_t>(a.W.format.bits) / 8;
}

std::size_t row_bytes(const QuantizedLinearArgs& a) {
  return a.K + 2 * (a.K / group_of(a)) * sizeof(float);
}

// What a task keeps in memory of its own.
struct Memory {
  Memory(std::byte* p, std::size_t groups)
      : codes(p),
        scales(reinterpret_cast<float*>(p + kStep / 4 * kUnitBytes)),
        biases(scales + groups * kColumns),
        total(biases + groups * kColumns) {}
  static std::size_t bytes(std::size_t groups) {
    return kStep / 4 * kUnitBytes + (2 * groups + kBlockRows) * kColumns * sizeof(float);
  }
  std::byte* codes;        // of a step
  float *scales, *biases;  // [groups, 32]
  float* total;            // [rows, 32]
};

std::size_t memory_bytes(const QuantizedLinearArgs& a) {
  return Memory::bytes(a.K / group_of(a));
}

// --- x

// The scale of a group of x, and what its elements are to be multiplied with.
struct XScale {
  float scale, inverse;
};

// One with NaN or infinity becomes NaN as a whole, one of the very smallest numbers 0.
XLSTM_AVX512_INT8 XScale scale_of(const float* x, std::size_t count) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  __m512i most = _mm512_setzero_si512();
  for (std::size_t k = 0; k < count; k += 16) {
    most = _mm512_max_epi32(most, _mm512_and_si512(magnitude, _mm512_loadu_si512(x + k)));
  }
  const int bits = _mm512_reduce_max_epi32(most);
  constexpr int kInfinity = 0x7F800000, kSmallest = 0x0D800000;  // 2^-100
  if (bits < kSmallest) return {0.0F, 0.0F};
  if (bits >= kInfinity) return {__builtin_nanf(""), 0.0F};
  float largest;
  std::memcpy(&largest, &bits, sizeof largest);
  return {largest / 127.0F, 127.0F / largest};
}

// 16 floats as signed bytes.
XLSTM_AVX512_INT8 inline __m128i quantized(const float* x, float inverse) {
  const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse));
  return _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(scaled));
}

// A tile of x.
struct XTile {
  XTile(std::byte* tile, std::size_t rows, std::size_t K, std::size_t group)
      : units(tile),
        scales(reinterpret_cast<float*>(tile + K * rows)),
        sums(scales + K / group * rows),
        height(rows) {}
  std::byte* units;
  float *scales, *sums;  // [groups][height]
  std::size_t height;
};

// Up to kChunk elements of a row as signed bytes, zeros behind them; 16 of them to an inverse.
XLSTM_AVX512_INT8 __m512i quantized_chunk(const float* x, std::size_t count,
                                          const float (&inverses)[kChunk / 16]) {
  alignas(64) std::int8_t bytes[kChunk] = {};
  for (std::size_t at = 0; at < count; at += 16) {
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes + at), quantized(x + at, inverses[at / 16]));
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
  const XTile tile(to, rows, a.K, group);
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
        const XScale scale = scale_of(row + at, group);
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

// --- W

// The rows of a panel; those that are not there repeat the last one.
struct PanelRows {
  PanelRows(const QuantizedLinearArgs& a, std::size_t first) {
    const std::size_t bytes = weight_bytes_of(a);
    for (std::size_t c = 0; c < kColumns; ++c) {
      row[c] = std::min(first + c, a.N - 1);
      words[c] = reinterpret_cast<const std::byte*>(a.W.words) + row[c] * bytes;
    }
  }
  std::size_t row[kColumns];
  const std::byte* words[kColumns];
};

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
void unpack(const Quantization& format, const std::byte* const* rows, std::size_t k,
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
XLSTM_AVX512_INT8 void load_panel_factors(const QuantizedMatrix& W, const PanelRows& panel,
                                          std::size_t groups, const Memory& memory) {
  const bool halves =
      W.format.mode == QuantizationMode::kAffine && W.scale_type != WeightType::kF32;
  for (std::size_t half = 0; half < kColumns; half += 16) {
    const std::size_t* const rows = panel.row + half;
    float *const scales = memory.scales + half, *const biases = memory.biases + half;
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

// --- products

// What the panel that begins with row n, if there is one, is made of.
struct PanelLines {
  PanelLines(const QuantizedLinearArgs& a, std::size_t n) {
    const std::size_t rows = std::min(kColumns, a.N - std::min(n, a.N));
    const std::size_t groups = a.K / group_of(a);
    const bool affine = a.W.format.mode == QuantizationMode::kAffine;
    const auto lines = [&](const void* array, std::size_t row_bytes) -> Lines {
      return {static_cast<const std::byte*>(array) + n * row_bytes, rows * row_bytes / 64};
    };
    words = lines(a.W.words, weight_bytes_of(a));
    scales = lines(a.W.scales, groups * (affine ? weight_bytes(a.W.scale_type) : 1));
    biases = affine ? lines(a.W.biases, groups * weight_bytes(a.W.scale_type)) : Lines{nullptr, 0};
  }
  Lines words, scales, biases;
};

// Groups of a step: their number, units of 4 elements in each, scales of x and what its sums, times
// these, are: [groups][rows]; of W: [groups][32].
struct StepGroups {
  std::size_t count, units;
  const float *x_scales, *x_sums, *w_scales, *w_biases;
  Lines ahead;
};

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

using AddStep = void (*)(const std::byte* x, const std::byte* w, const StepGroups& groups,
                         float* total);

template <int MR>
void add_step(const std::byte* x, const std::byte* w, const StepGroups& s, float* total) {
  for (std::size_t g = 0; g < s.count; ++g) {
    add_group<MR>(x + g * s.units * MR * 4, w + g * s.units * kUnitBytes, s.units,
                  s.x_scales + g * MR, s.x_sums + g * MR, s.w_scales + g * kColumns,
                  s.w_biases + g * kColumns, s.ahead.part(g, s.count), total);
  }
}

template <int... I>
AddStep add_step_of(std::size_t rows, std::integer_sequence<int, I...>) {
  static constexpr AddStep kSteps[] = {add_step<I + 1>...};
  return kSteps[rows - 1];
}

// All tiles of the task times the step of W at k that lies unpacked in memory.
void multiply_step(const Task& t, std::size_t k, std::size_t count, const Lines& ahead,
                   const Memory& memory) {
  const std::size_t group = group_of(t.args);
  const std::size_t K = t.args.K, rows = t.m1 - t.m0, tiles = ceil_div(rows, kTileRows);
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    const std::size_t m = rows * tile / tiles, height = rows * (tile + 1) / tiles - m;
    const std::byte* const x = t.x + m * row_bytes(t.args);
    const auto* const scales = reinterpret_cast<const float*>(x + K * height);
    const std::size_t g = k / group;
    const StepGroups groups{count / group,
                            group / 4,
                            scales + g * height,
                            scales + (K / group + g) * height,
                            memory.scales + g * kColumns,
                            memory.biases + g * kColumns,
                            tile == 0 ? ahead : Lines{nullptr, 0}};
    add_step_of(height, std::make_integer_sequence<int, kTileRows>())(
        x + k * height, memory.codes, groups, memory.total + m * kColumns);
  }
}

void multiply(const Task& t) {
  const QuantizedLinearArgs& a = t.args;
  const std::size_t group = group_of(a);
  const Memory memory(t.memory, a.K / group);
  const PanelRows rows(a, t.n);
  const PanelLines next(a, t.n + kColumns);
  const std::size_t columns = std::min(kColumns, a.N - t.n), height = t.m1 - t.m0;
  float* const y = a.y + static_cast<std::ptrdiff_t>(t.m0) * a.y_stride + t.n;
  load_panel_factors(a.W, rows, a.K / group, memory);
  float first[kColumns] = {};
  if (a.bias != nullptr) std::memcpy(first, a.bias + t.n, columns * sizeof(float));
  for (std::size_t m = 0; m < height; ++m) {
    std::memcpy(memory.total + m * kColumns, first, sizeof first);
  }
  const std::size_t steps = ceil_div(a.K, kStep);
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t k = step * kStep, count = std::min(kStep, a.K - k);
    unpack(a.W.format, rows.words, k, count, memory.codes);
    unpack(a.W.format, rows.words + 16, k, count, memory.codes + 64);
    for (const Lines& lines : {next.scales.part(step, steps), next.biases.part(step, steps)}) {
      for (std::size_t at = 0; at < lines.count; ++at) {
        __builtin_prefetch(lines.first + at * lines.stride, 0, 2);
      }
    }
    for (std::size_t m = height * step / steps; m < height * (step + 1) / steps; ++m) {
      const float* const row = y + static_cast<std::ptrdiff_t>(m) * a.y_stride;
      __builtin_prefetch(row, 1);
      __builtin_prefetch(row + columns / 2, 1);
      __builtin_prefetch(row + columns - 1, 1);
    }
    multiply_step(t, k, count, next.words.every(step, steps), memory);
  }
  for (std::size_t m = 0; m < height; ++m) {
    std::memcpy(y + static_cast<std::ptrdiff_t>(m) * a.y_stride, memory.total + m * kColumns,
                columns * sizeof(float));
  }
}

}  // namespace

const PanelKernel<QuantizedLinearArgs>* quantized_panels() {
  // Measured with 4 and 8 bits: two rows are as fast in 16 bits (quantized_kernels.h), and of 512
  // the second cache holds no more than one block beside its panels.
  constexpr std::size_t kFewestRows = 3, kMostRows = 140;
  static constexpr PanelKernel<QuantizedLinearArgs> kKernel{
      kFewestRows,     kMostRows, kColumns, kTileRows,    kBlockRows, kStep,
      weight_bytes_of, row_bytes, pack_x,   memory_bytes, multiply};
  return has_simd(kAvx512Int8) ? &kKernel : nullptr;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const PanelKernel<QuantizedLinearArgs>* quantized_panels() {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
