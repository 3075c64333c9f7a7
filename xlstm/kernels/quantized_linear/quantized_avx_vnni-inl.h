// quantized_linear()'s kernels for vectors of 32 bytes with vpdpbusd: Highway's AVX2 target and an
// instruction more. It exists in two encodings, of which each needs a processor of its own kind:
// files that include this say which, by
//   XLSTM_VNNI_TARGET  its name for compilers, behind a comma
//   XLSTM_VNNI_DOT     its intrinsic
#undef HWY_TARGET_STR  // what HWY_BEFORE_NAMESPACE and HWY_ATTR turn on
#define HWY_TARGET_STR HWY_TARGET_STR_AVX2 XLSTM_VNNI_TARGET
#define XLSTM_DOT_BYTES

#include <immintrin.h>

#include <cstdint>

#include "xlstm/kernels/linear/linear_weights-inl.h"
#include "xlstm/kernels/quantized_linear/code_stream_tables.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

using UnsignedBytes = hn::Vec<hn::Repartition<std::uint8_t, VectorTag>>;
using Sums = hn::Vec<hn::Rebind<std::int32_t, VectorTag>>;

// sum + the products of unsigned w and signed x, four to a lane.
HWY_INLINE Sums dot_bytes(Sums sum, UnsignedBytes w,
                          hn::Vec<hn::Repartition<std::int8_t, VectorTag>> x) {
  return Sums{XLSTM_VNNI_DOT(sum.raw, w.raw, x.raw)};
}

// 32 codes of `Bits` bits, 3, 5 or 6, each to a byte; what is above it may stay.
template <int Bits>
struct CodeStream {
  static constexpr CodeStreamTables<Bits> kTables = {};

  static HWY_INLINE __m256i load(const void* p) {
    return _mm256_load_si256(static_cast<const __m256i*>(p));
  }
  static HWY_INLINE __m256i eight_of_each(__m256i bytes, int at) {
    const __m256i pairs = _mm256_shuffle_epi8(bytes, load(kTables.source + at * 32));
    return _mm256_srli_epi16(_mm256_mullo_epi16(pairs, load(kTables.factor + at * 16)), 8);
  }
  static HWY_INLINE UnsignedBytes spread(const std::uint8_t* p) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 2 * Bits));
    const __m256i bytes = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    return UnsignedBytes{_mm256_packus_epi16(eight_of_each(bytes, 0), eight_of_each(bytes, 1))};
  }
};

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#include "xlstm/kernels/quantized_linear/quantized_rows-inl.h"
