// Tiles of 8-bit whole numbers with vpdpbusd: four neighbours along K are the units of panels,
//   x: [K / 4][rows] units of signed bytes, then [groups][rows] scales and [groups][rows] sums of
//      the bytes times the scale, float32,
//   W: [K / 4][32] units of unsigned codes, then [groups][32] scales and [groups][32] biases.
// With w = s q + b and x = t p: sum_k x w = sum_groups t (s sum_k p q + b sum_k p).
#include "xlstm/base/ceil_div.h"
#include "xlstm/kernels/packed_gemm/micro_kernels.h"

#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "xlstm/kernels/packed_gemm/avx512-inl.h"
#include "xlstm/kernels/packed_gemm/group_factors.h"
#include "xlstm/kernels/packed_gemm/int8_avx512-inl.h"
#include "xlstm/kernels/quantized_linear/mxfp4_codes.h"
#include "xlstm/kernels/simd/simd.h"
#include "xlstm/kernels/vector/tile_rows.h"

namespace xlstm::kernels {
namespace {

constexpr std::size_t kRows = 14, kColumns = 32, kDepth = 2048;
constexpr std::size_t kChunk = 64;  // elements of a row that a vector holds
constexpr std::size_t kLine = 64;   // bytes

constexpr std::size_t units(std::size_t depth) {
  return ceil_div(depth, kChunk) * (kChunk / 4);
}

std::size_t x_bytes(std::size_t rows, const KBlock& d) {
  return (units(d.depth) + 2 * (d.depth / d.group)) * rows * 4;
}

std::size_t w_bytes(const KBlock& d) {
  return (units(d.depth) + 2 * (d.depth / d.group)) * kColumns * 4;
}

using avx512::quantized;
using avx512::scale_of;

// What pack_x knows of one tile.
struct XTile {
  std::byte* units;
  float *scales, *sums;  // [groups][height]
  std::size_t height;
};

// Up to kChunk elements of a row as signed bytes, zeros behind them.
XLSTM_AVX512_INT8 __m512i quantized_chunk(const float* row, std::size_t k, const KBlock& d,
                                          const float* inverses) {
  alignas(kLine) std::int8_t bytes[kChunk] = {};
  const std::size_t count = d.depth - k < kChunk ? d.depth - k : kChunk;
  for (std::size_t at = 0; at < count; at += 16) {
    _mm_store_si128(reinterpret_cast<__m128i*>(bytes + at),
                    quantized(row + k + at, inverses[(k + at) / d.group]));
  }
  return _mm512_load_si512(bytes);
}

// The chunk at k of all rows, which lie in r, to the tile; adds the bytes of each row to its sums.
XLSTM_AVX512_INT8 void store_chunk(__m512i (&r)[16], std::size_t k, const KBlock& d,
                                   const XTile& tile) {
  const __mmask16 rows = static_cast<__mmask16>((1U << tile.height) - 1);
  const __m512i ones = _mm512_set1_epi8(1);
  avx512::transpose(r);
  for (std::size_t u = 0; u < kChunk / 4; ++u) {
    _mm512_mask_storeu_epi32(tile.units + (k / 4 + u) * tile.height * 4, rows, r[u]);
    const std::size_t group = (k + 4 * u) / d.group;
    if (k + 4 * u >= d.depth) continue;
    float* const sums = tile.sums + group * tile.height;
    const __m512i sum = _mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, r[u]);
    _mm512_mask_storeu_ps(
        sums, rows, _mm512_add_ps(_mm512_maskz_loadu_ps(rows, sums), _mm512_cvtepi32_ps(sum)));
  }
}

constexpr std::size_t kMostGroups = kDepth / 32;

XLSTM_AVX512_INT8 void pack_x(const float* x, std::ptrdiff_t x_stride, std::size_t rows,
                              std::size_t height, const KBlock& d, std::byte* to) {
  const std::size_t groups = d.depth / d.group;
  auto* const scales = reinterpret_cast<float*>(to + units(d.depth) * height * 4);
  const XTile tile{to, scales, scales + groups * height, height};
  std::memset(scales, 0, 2 * groups * height * sizeof(float));
  float inverses[kRows][kMostGroups];
  for (std::size_t m = 0; m < rows; ++m) {
    const float* const row = x + static_cast<std::ptrdiff_t>(m) * x_stride;
    for (std::size_t group = 0; group < groups; ++group) {
      const XScale scale = scale_of(row + group * d.group, d.group);
      tile.scales[group * height + m] = scale.scale;
      inverses[m][group] = scale.inverse;
    }
  }
  for (std::size_t k = 0; k < d.depth; k += kChunk) {
    __m512i r[16];
    for (std::size_t m = 0; m < 16; ++m) {
      r[m] = m < rows
                 ? quantized_chunk(x + static_cast<std::ptrdiff_t>(m) * x_stride, k, d, inverses[m])
                 : _mm512_setzero_si512();
    }
    store_chunk(r, k, d, tile);
  }
  for (std::size_t at = 0; at < groups * height; ++at) tile.sums[at] *= tile.scales[at];
}

// Scales of one group of x and what its sums, times these, are: [rows]; of W: [32].
struct GroupFactors {
  const float *x_scales, *x_sums, *w_scales, *w_biases;
};

// Not __m512i, a vector of 64-bit numbers: with that, GCC 12 keeps sums in memory.
using Sums = int __attribute__((vector_size(64)));

// One group: total += x_scales (w_scales (codes W^T) ) + x_sums w_biases, [MR, 32]. By itself, or
// compilers run out of registers.
template <int MR>
XLSTM_AVX512_INT8 __attribute__((noinline)) void add_group(const std::byte* x, const std::byte* w,
                                                           std::size_t steps, const GroupFactors& f,
                                                           float* total) {
  constexpr std::size_t kPrefetchSteps = 12;
  Sums sum[MR][2];
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    sum[m][0] = Sums{};
    sum[m][1] = Sums{};
  }
  for (std::size_t u = 0; u < steps; ++u, x += MR * 4, w += kColumns * 4) {
    __builtin_prefetch(w + kPrefetchSteps * kColumns * 4);
    __builtin_prefetch(w + kPrefetchSteps * kColumns * 4 + kLine);
    __builtin_prefetch(x + kPrefetchSteps * MR * 4);
    const __m512i w0 = _mm512_load_si512(w), w1 = _mm512_load_si512(w + kLine);
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) {
      const __m512i row = (__m512i)_mm512_set1_ps(reinterpret_cast<const float*>(x)[m]);
      sum[m][0] = (Sums)_mm512_dpbusd_epi32((__m512i)sum[m][0], w0, row);
      sum[m][1] = (Sums)_mm512_dpbusd_epi32((__m512i)sum[m][1], w1, row);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < MR; ++m) {
    const __m512 x_scale = _mm512_set1_ps(f.x_scales[m]), x_sum = _mm512_set1_ps(f.x_sums[m]);
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      float* const to = total + m * static_cast<int>(kColumns) + v * 16;
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps((__m512i)sum[m][v]),
                                          _mm512_load_ps(f.w_scales + v * 16));
      const __m512 with_bias =
          _mm512_fmadd_ps(x_sum, _mm512_load_ps(f.w_biases + v * 16), _mm512_load_ps(to));
      _mm512_store_ps(to, _mm512_fmadd_ps(x_scale, scaled, with_bias));
    }
  }
}

template <int MR>
XLSTM_AVX512_INT8 void multiply_rows(const std::byte* x, const std::byte* w, const KBlock& d,
                                     const float* before, std::ptrdiff_t before_stride, float* out,
                                     std::ptrdiff_t out_stride) {
  const std::size_t groups = d.depth / d.group, steps = d.group / 4;
  const auto* const x_factors = reinterpret_cast<const float*>(x + units(d.depth) * MR * 4);
  const auto* const w_factors = reinterpret_cast<const float*>(w + units(d.depth) * kColumns * 4);
  alignas(kLine) float total[MR * kColumns];
#pragma GCC unroll 1
  for (int m = 0; m < MR; ++m) {
    __builtin_prefetch(out + m * out_stride);
    __builtin_prefetch(out + m * out_stride + 31);
    std::memcpy(total + m * static_cast<int>(kColumns), before + m * before_stride,
                kColumns * sizeof(float));
  }
  for (std::size_t group = 0; group < groups; ++group) {
    const float* const x_scales = x_factors + group * MR;
    const float* const w_scales = w_factors + group * kColumns;
    const GroupFactors f{x_scales, x_scales + groups * MR, w_scales, w_scales + groups * kColumns};
    add_group<MR>(x + group * steps * MR * 4, w + group * steps * kColumns * 4, steps, f, total);
  }
#pragma GCC unroll 1
  for (int m = 0; m < MR; ++m) {
    std::memcpy(out + m * out_stride, total + m * static_cast<int>(kColumns),
                kColumns * sizeof(float));
  }
}

void multiply(const std::byte* x, const std::byte* w, std::size_t height, const KBlock& d,
              const float* before, std::ptrdiff_t before_stride, float* out,
              std::ptrdiff_t out_stride) {
  with_tile_rows<8, kRows, 2>(height, [&](auto rows) {
    multiply_rows<rows>(x, w, d, before, before_stride, out, out_stride);
  });
}

// How 64 codes of `bits` bits become 64 bytes.
struct Unpacking {
  __m512i bytes;   // the `bits` bytes that hold 8 codes, in each 8 bytes
  __m512i shifts;  // a code into each byte
  __m512i mask;
  __m512i values;  // mxfp4: twice a code's value and 12
  bool mxfp4;
  bool bytes_are_codes;
  __mmask64 chunk;  // bytes of a whole chunk
};

XLSTM_AVX512_INT8 Unpacking unpacking_of(const Quantization& format) {
  const auto bits = static_cast<unsigned>(format.bits);
  alignas(kLine) std::uint8_t bytes[64], shifts[64];
  for (unsigned at = 0; at < 64; ++at) {
    bytes[at] = static_cast<std::uint8_t>((at / 8 * bits + at % 8) & 63U);
    shifts[at] = static_cast<std::uint8_t>(at % 8 * bits);
  }
  const __m128i values = _mm_load_si128(reinterpret_cast<const __m128i*>(kMxfp4Codes));
  const __mmask64 chunk = bits == 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * bits)) - 1;
  return {_mm512_load_si512(bytes),
          _mm512_load_si512(shifts),
          _mm512_set1_epi8(static_cast<char>((1U << bits) - 1)),
          _mm512_broadcast_i32x4(values),
          format.mode == QuantizationMode::kMxfp4,
          bits == 8,
          chunk};
}

XLSTM_AVX512_INT8 inline __m512i unpacked(const Unpacking& u, const std::byte* p, __mmask64 there) {
  const __m512i packed = _mm512_maskz_loadu_epi8(there, p);
  if (u.bytes_are_codes) return packed;
  const __m512i spread = _mm512_permutexvar_epi8(u.bytes, packed);
  const __m512i codes = _mm512_and_si512(_mm512_multishift_epi64_epi8(u.shifts, spread), u.mask);
  return u.mxfp4 ? _mm512_shuffle_epi8(u.values, codes) : codes;
}

XLSTM_AVX512_INT8 void pack_w(const QuantizedMatrix& W, std::size_t K, std::size_t n,
                              std::size_t columns, std::size_t k0, const KBlock& d,
                              std::byte* panel) {
  const auto bits = static_cast<std::size_t>(W.format.bits);
  const auto* const codes = reinterpret_cast<const std::byte*>(W.words);
  const Unpacking how = unpacking_of(W.format);
  const auto row_of = [&](std::size_t c) { return n + (c < columns ? c : columns - 1); };
  for (std::size_t k = 0; k < d.depth; k += kChunk) {
    const __mmask64 there =
        d.depth - k >= kChunk ? how.chunk : how.chunk >> (bits * (kChunk - (d.depth - k)) / 8);
    for (std::size_t half = 0; half < 2; ++half) {
      __m512i r[16];
      for (std::size_t c = 0; c < 16; ++c) {
        r[c] = unpacked(how, codes + (row_of(half * 16 + c) * K + k0 + k) * bits / 8, there);
      }
      avx512::transpose(r);
      for (std::size_t u = 0; u < 16; ++u) {
        _mm512_store_si512(panel + (k / 4 + u) * kColumns * 4 + half * kLine, r[u]);
      }
    }
  }
  const std::size_t groups = d.depth / d.group;
  auto* const scales = reinterpret_cast<float*>(panel + units(d.depth) * kColumns * 4);
  for (std::size_t c = 0; c < kColumns; ++c) {
    const std::size_t first = (row_of(c) * K + k0) / d.group;
    for (std::size_t group = 0; group < groups; ++group) {
      float* const scale = scales + group * kColumns + c;
      put_group_factors(W, first + group, scale, scale + groups * kColumns);
    }
  }
}

}  // namespace

const Int8Tile* int8_tile_avx512() {
  static constexpr Int8Tile kTile{
      {kRows, kColumns, kDepth, kChunk, x_bytes, w_bytes, pack_x, multiply}, pack_w};
  return has_simd(kAvx512Int8) ? &kTile : nullptr;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const Int8Tile* int8_tile_avx512() {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
