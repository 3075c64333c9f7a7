#include "xlstm/kernels/probe/products.h"

#if defined(__x86_64__)
#include "xlstm/kernels/packed_gemm/avx512-inl.h"
#include "xlstm/kernels/simd/simd.h"

namespace xlstm::kernels {
namespace {

constexpr int kChains = 12;

XLSTM_AVX512_BF16 double bf16_chains(std::size_t rounds, float* sink) {
  __m512 sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = _mm512_set1_ps(static_cast<float>(i));
  const auto a = (__m512bh)_mm512_set1_epi32(0x3F803F80),
             b = (__m512bh)_mm512_set1_epi32(0x3C003C00);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) sum[i] = _mm512_dpbf16_ps(sum[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) sum[0] = _mm512_add_ps(sum[0], sum[i]);
  *sink = _mm512_reduce_add_ps(sum[0]);
  return 2.0 * 32 * kChains * static_cast<double>(rounds);
}

XLSTM_AVX512_INT8 double int8_chains(std::size_t rounds, float* sink) {
  __m512i sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = _mm512_set1_epi32(i);
  const __m512i a = _mm512_set1_epi8(1), b = _mm512_set1_epi8(-1);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) sum[i] = _mm512_dpbusd_epi32(sum[i], a, b);
  }
  for (int i = 1; i < kChains; ++i) sum[0] = _mm512_add_epi32(sum[0], sum[i]);
  *sink = static_cast<float>(_mm512_reduce_add_epi32(sum[0]));
  return 2.0 * 64 * kChains * static_cast<double>(rounds);
}

}  // namespace

double bf16_products(std::size_t rounds, float* sink) {
  return has_simd(kAvx512Bf16) ? bf16_chains(rounds, sink) : 0;
}

double int8_products(std::size_t rounds, float* sink) {
  return has_simd(kAvx512Int8) ? int8_chains(rounds, sink) : 0;
}

}  // namespace xlstm::kernels

#else
namespace xlstm::kernels {

double bf16_products(std::size_t, float*) {
  return 0;
}
double int8_products(std::size_t, float*) {
  return 0;
}

}  // namespace xlstm::kernels
#endif
