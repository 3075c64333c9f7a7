// How groups of x become signed bytes, for all kernels that multiply them with vpdpbusd.
#pragma once

#include <cstddef>

#include "xlstm/kernels/packed_gemm/avx512-inl.h"
#include "xlstm/kernels/packed_gemm/x_scale.h"

namespace xlstm::kernels::avx512 {

XLSTM_AVX512_INT8 inline XScale scale_of(const float* x, std::size_t count) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  __m512i most = _mm512_setzero_si512();
  for (std::size_t k = 0; k < count; k += 16) {
    most = _mm512_max_epi32(most, _mm512_and_si512(magnitude, _mm512_loadu_si512(x + k)));
  }
  return x_scale_of(_mm512_reduce_max_epi32(most));
}

// 16 floats as signed bytes.
XLSTM_AVX512_INT8 inline __m128i quantized(const float* x, float inverse) {
  const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(x), _mm512_set1_ps(inverse));
  return _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(scaled));
}

}  // namespace xlstm::kernels::avx512
