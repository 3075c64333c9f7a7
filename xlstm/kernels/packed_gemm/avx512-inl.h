// What the tiles for AVX-512 share. Functions name their instructions themselves, so that nothing
// else of a file is compiled for processors that have them.
#pragma once

#include <cstddef>

#include "xlstm/kernels/packed_gemm/x86_intrinsics.h"

#define XLSTM_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define XLSTM_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")))
#define XLSTM_AVX512_INT8 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512vbmi")))

namespace xlstm::kernels::avx512 {

// r[i] lane j <-> r[j] lane i.
static inline __attribute__((always_inline)) XLSTM_AVX512 void transpose(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // r[4 i + j]: in block b, rows 4 i .. 4 i + 3 of column 4 b + j.
  for (int j = 0; j < 4; ++j) {
    const __m512i low_even = _mm512_shuffle_i32x4(r[j], r[4 + j], 0x88);
    const __m512i low_odd = _mm512_shuffle_i32x4(r[j], r[4 + j], 0xDD);
    const __m512i high_even = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0x88);
    const __m512i high_odd = _mm512_shuffle_i32x4(r[8 + j], r[12 + j], 0xDD);
    t[j] = _mm512_shuffle_i32x4(low_even, high_even, 0x88);
    t[4 + j] = _mm512_shuffle_i32x4(low_odd, high_odd, 0x88);
    t[8 + j] = _mm512_shuffle_i32x4(low_even, high_even, 0xDD);
    t[12 + j] = _mm512_shuffle_i32x4(low_odd, high_odd, 0xDD);
  }
  for (int i = 0; i < 16; ++i) r[i] = t[i];
}

// Four words of each of four rows, side by side.
static inline __attribute__((always_inline)) XLSTM_AVX512 __m512i
load_blocks(const std::byte* const* rows, std::size_t offset) {
  const auto block = [&](int c) XLSTM_AVX512 {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[c] + offset));
  };
  __m512i r = _mm512_castsi128_si512(block(0));
  r = _mm512_mask_broadcast_i32x4(r, 0x00F0, block(4));
  r = _mm512_mask_broadcast_i32x4(r, 0x0F00, block(8));
  return _mm512_mask_broadcast_i32x4(r, 0xF000, block(12));
}

// Four words of 32 bits of 16 rows, transposed. The loads put blocks of four words in their places;
// only within them are words shuffled.
static inline __attribute__((always_inline)) XLSTM_AVX512 void load_words(
    const std::byte* const* rows, std::size_t offset, __m512i (&r)[4]) {
  const __m512i a = load_blocks(rows, offset), b = load_blocks(rows + 1, offset);
  const __m512i c = load_blocks(rows + 2, offset), d = load_blocks(rows + 3, offset);
  const __m512i ab = _mm512_unpacklo_epi32(a, b), cd = _mm512_unpacklo_epi32(c, d);
  const __m512i ab_high = _mm512_unpackhi_epi32(a, b), cd_high = _mm512_unpackhi_epi32(c, d);
  r[0] = _mm512_unpacklo_epi64(ab, cd);
  r[1] = _mm512_unpackhi_epi64(ab, cd);
  r[2] = _mm512_unpacklo_epi64(ab_high, cd_high);
  r[3] = _mm512_unpackhi_epi64(ab_high, cd_high);
}

}  // namespace xlstm::kernels::avx512
