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

// The same with AVX2's vectors. `dot` is vpdpbusd in one of its encodings.
#define XLSTM_VNNI_CHAINS(NAME, TARGET, DOT)                                            \
  __attribute__((target("avx2" TARGET))) double NAME(std::size_t rounds, float* sink) { \
    __m256i sum[kChains];                                                               \
    for (int i = 0; i < kChains; ++i) sum[i] = _mm256_set1_epi32(i);                    \
    const __m256i a = _mm256_set1_epi8(1), b = _mm256_set1_epi8(-1);                    \
    for (std::size_t round = 0; round < rounds; ++round) {                              \
      for (int i = 0; i < kChains; ++i) sum[i] = DOT(sum[i], a, b);                     \
    }                                                                                   \
    for (int i = 1; i < kChains; ++i) sum[0] = _mm256_add_epi32(sum[0], sum[i]);        \
    *sink = static_cast<float>(_mm256_extract_epi32(sum[0], 0));                        \
    return 2.0 * 32 * kChains * static_cast<double>(rounds);                            \
  }
XLSTM_VNNI_CHAINS(avx512vl_vnni_chains, ",avx512f,avx512vl,avx512vnni", _mm256_dpbusd_epi32)
#ifdef XLSTM_HAS_AVX_VNNI
XLSTM_VNNI_CHAINS(avx_vnni_chains, ",avxvnni", _mm256_dpbusd_avx_epi32)
#endif
#undef XLSTM_VNNI_CHAINS

// Not __m256i, a vector of 64-bit numbers: with that, GCC 12 keeps sums in memory.
using Sums = int __attribute__((vector_size(32)));
using ShortSums = short __attribute__((vector_size(32)));

// A factor that no compiler knows, so that no two products are the same to it.
__attribute__((target("avx2"))) inline __m256i any(__m256i& factor) {
  asm volatile("" : "+x"(factor));
  return factor;
}

__attribute__((target("avx2"))) double word_chains(std::size_t rounds, float* sink) {
  Sums sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = Sums{i};
  __m256i a = _mm256_set1_epi16(1);
  const __m256i b = _mm256_set1_epi16(-1);
  for (std::size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sum[i] += (Sums)_mm256_madd_epi16(any(a), b);
  }
  for (int i = 1; i < kChains; ++i) sum[0] += sum[i];
  *sink = static_cast<float>(sum[0][0]);
  return 2.0 * 16 * kChains * static_cast<double>(rounds);
}

// As the panels for AVX2 do it: eight products in 16 bits, then once to 32.
__attribute__((target("avx2"))) double byte_chains(std::size_t rounds, float* sink) {
  constexpr int kPairs = kChains / 2, kSummed = 8;
  Sums sum[kPairs];
  ShortSums part[kPairs];
  for (int i = 0; i < kPairs; ++i) sum[i] = Sums{i};
  __m256i a = _mm256_set1_epi8(1);
  const __m256i b = _mm256_set1_epi8(-1), ones = _mm256_set1_epi16(1);
  for (std::size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 6
    for (int i = 0; i < kPairs; ++i) part[i] = (ShortSums)_mm256_maddubs_epi16(any(a), b);
#pragma GCC unroll 8
    for (int u = 1; u < kSummed; ++u) {
#pragma GCC unroll 6
      for (int i = 0; i < kPairs; ++i) {
        part[i] += (ShortSums)_mm256_maddubs_epi16(any(a), b);
        asm volatile("" : "+x"(part[i]));  // or products come early and leave no registers
      }
    }
#pragma GCC unroll 6
    for (int i = 0; i < kPairs; ++i) sum[i] += (Sums)_mm256_madd_epi16((__m256i)part[i], ones);
  }
  for (int i = 1; i < kPairs; ++i) sum[0] += sum[i];
  *sink = static_cast<float>(sum[0][0]);
  return 2.0 * 32 * kSummed * kPairs * static_cast<double>(rounds);
}

}  // namespace

double bf16_products(std::size_t rounds, float* sink) {
  return has_simd(kAvx512Bf16) ? bf16_chains(rounds, sink) : 0;
}

double int8_products(std::size_t rounds, float* sink) {
  if (has_simd(kAvx512Int8)) return int8_chains(rounds, sink);
#ifdef XLSTM_HAS_AVX_VNNI
  if (has_simd(kAvxVnni)) return avx_vnni_chains(rounds, sink);
#endif
  if (has_simd(kAvx512VlVnni)) return avx512vl_vnni_chains(rounds, sink);
  return has_simd(kAvx2) ? word_chains(rounds, sink) : 0;
}

double int4_products(std::size_t rounds, float* sink) {
  const bool dots = has_simd(kAvx512Int8) || has_simd(kAvxVnni) || has_simd(kAvx512VlVnni);
  return has_simd(kAvx2) && !dots ? byte_chains(rounds, sink) : int8_products(rounds, sink);
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
double int4_products(std::size_t, float*) {
  return 0;
}

}  // namespace xlstm::kernels
#endif
