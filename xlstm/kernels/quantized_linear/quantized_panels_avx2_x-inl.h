// Rows of x packed for the panels for AVX2.
#pragma once

#include <cstdint>
#include <cstring>

#include "xlstm/kernels/packed_gemm/x86_intrinsics.h"
#include "xlstm/kernels/packed_gemm/x_scale.h"
#include "xlstm/kernels/quantized_linear/quantized_panels-inl.h"

#define XLSTM_AVX2 __attribute__((target("avx2,fma,f16c")))

namespace xlstm::kernels {
namespace {

constexpr std::size_t kRun = 32;  // elements of a row that are packed together

XLSTM_AVX2 XScale scale_of(const float* x, std::size_t count) {
  const __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
  __m256i most = _mm256_setzero_si256();
  for (std::size_t k = 0; k < count; k += 8) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + k));
    most = _mm256_max_epi32(most, _mm256_and_si256(magnitude, bits));
  }
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(most), _mm256_extracti128_si256(most, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return x_scale_of(_mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xB1))));
}

XLSTM_AVX2 inline __m256i rounded(const float* x, __m256 inverse) {
  return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), inverse));
}

// kRun floats as signed bytes.
XLSTM_AVX2 inline __m256i quantized(const float* x, float inverse) {
  const __m256 factor = _mm256_set1_ps(inverse);
  const __m256i a = _mm256_packs_epi32(rounded(x, factor), rounded(x + 8, factor));
  const __m256i b = _mm256_packs_epi32(rounded(x + 16, factor), rounded(x + 24, factor));
  // Fours of a, b, a, b, ... of which a lane holds every other one.
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
}

XLSTM_AVX2 inline int sum_of(__m256i bytes) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes);
  const __m256i sums = _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1)));
}

// In which order elements of K lie in units.
enum class UnitOrder {
  kPlain,
  kEvenBeforeOdd,  // of eight, as words of 4-bit codes are unpacked
  kPairs,          // of four 0, 2, 1, 3, as 16-bit numbers: words of 8-bit codes are unpacked so
};

XLSTM_AVX2 __m256i shuffle_of(UnitOrder order) {
  alignas(32) std::uint8_t from[32];
  for (std::uint8_t at = 0; at < 32; ++at) {
    const int lane = at % 16;
    const int eight = lane / 8 * 8 + lane % 4 * 2 + lane / 4 % 2;
    const int four = lane / 4 * 4 + lane % 2 * 2 + lane / 2 % 2;
    from[at] = static_cast<std::uint8_t>(order == UnitOrder::kPlain           ? lane
                                         : order == UnitOrder::kEvenBeforeOdd ? eight
                                                                              : four);
  }
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
}

// A run of a row to its units, which lie `stride` bytes apart.
template <bool kWords>
XLSTM_AVX2 inline void store_units(__m256i bytes, std::size_t stride, std::byte* to) {
  constexpr std::size_t kUnits = kWords ? kRun / 2 : kRun / 4;
  alignas(32) std::byte units[kUnits * 4];
  auto* const vectors = reinterpret_cast<__m256i*>(units);
  if constexpr (kWords) {
    _mm256_store_si256(vectors, _mm256_cvtepi8_epi16(_mm256_castsi256_si128(bytes)));
    _mm256_store_si256(vectors + 1, _mm256_cvtepi8_epi16(_mm256_extracti128_si256(bytes, 1)));
  } else {
    _mm256_store_si256(vectors, bytes);
  }
  for (std::size_t u = 0; u < kUnits; ++u) std::memcpy(to + u * stride, units + u * 4, 4);
}

template <bool kWords>
XLSTM_AVX2 void pack_x(const QuantizedLinearArgs& a, std::size_t m0, std::size_t rows,
                       std::size_t k0, std::size_t k1, std::byte* to) {
  constexpr std::size_t kBytes = kWords ? 2 : 1;
  const std::size_t group = group_of(a);
  const XTile tile(to, rows, a.K * kBytes, a.K / group);
  const __m256i shuffle = shuffle_of(kWords                 ? UnitOrder::kPairs
                                     : a.W.format.bits == 4 ? UnitOrder::kEvenBeforeOdd
                                                            : UnitOrder::kPlain);
  for (std::size_t m = 0; m < rows; ++m) {
    const float* const row = a.x + static_cast<std::ptrdiff_t>(m0 + m) * a.x_stride;
    for (std::size_t first = k0; first < k1; first += group) {
      const XScale scale = scale_of(row + first, group);
      int sum = 0;
      for (std::size_t k = first; k < first + group; k += kRun) {
        const __m256i bytes = quantized(row + k, scale.inverse);
        sum += sum_of(bytes);
        store_units<kWords>(_mm256_shuffle_epi8(bytes, shuffle), rows * 4,
                            tile.units + k * kBytes * rows + m * 4);
      }
      tile.scales[first / group * rows + m] = scale.scale;
      tile.sums[first / group * rows + m] = scale.scale * static_cast<float>(sum);
    }
  }
}

}  // namespace
}  // namespace xlstm::kernels
