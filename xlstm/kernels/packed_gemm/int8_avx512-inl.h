// How groups of x become signed bytes, for all kernels that multiply them with vpdpbusd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "xlstm/kernels/packed_gemm/avx512-inl.h"

namespace xlstm::kernels::avx512 {

// The scale of a group of x, and what its elements are to be multiplied with.
struct XScale {
  float scale, inverse;
};

// One with NaN or infinity becomes NaN as a whole, one of the very smallest numbers 0.
XLSTM_AVX512_INT8 inline XScale scale_of(const float* x, std::size_t count) {
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

}  // namespace xlstm::kernels::avx512
