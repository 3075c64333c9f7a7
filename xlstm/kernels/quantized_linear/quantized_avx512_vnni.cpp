// quantized_linear()'s kernels for AVX-512 with VNNI and VBMI: Highway's AVX-512 target and a few
// instructions more, which Highway 1.0.3 cannot be asked for.
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/simd/simd.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX2)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/quantized_linear/quantized_avx512_vnni.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#if HWY_TARGET == HWY_AVX3
#undef HWY_TARGET_STR  // what HWY_BEFORE_NAMESPACE and HWY_ATTR turn on
#define HWY_TARGET_STR HWY_TARGET_STR_AVX3 ",avx512vnni,avx512vbmi"
#define XLSTM_DOT_BYTES

#include <immintrin.h>

#include "xlstm/kernels/linear/linear_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

using UnsignedBytes = hn::Vec<hn::Repartition<std::uint8_t, VectorTag>>;

// sum + the products of unsigned w and signed x, four to a lane.
HWY_INLINE hn::Vec<hn::Rebind<std::int32_t, VectorTag>> dot_bytes(
    hn::Vec<hn::Rebind<std::int32_t, VectorTag>> sum, UnsignedBytes w,
    hn::Vec<hn::Repartition<std::int8_t, VectorTag>> x) {
  return decltype(sum){_mm512_dpbusd_epi32(sum.raw, w.raw, x.raw)};
}

// 64 codes of `Bits` bits, 3, 5 or 6, each to a byte; what is above it may stay. 8 of them lie in
// `Bits` bytes, which are brought to 8 bytes of their own.
template <int Bits>
struct CodeStream {
  struct Tables {
    constexpr Tables() : source(), shift() {
      for (int i = 0; i < 64; ++i) {
        source[i] = static_cast<std::uint8_t>(i / 8 * Bits + (i % 8 < Bits ? i % 8 : Bits - 1));
        shift[i] = static_cast<std::uint8_t>(i % 8 * Bits);
      }
    }
    alignas(64) std::uint8_t source[64], shift[64];
  };
  static constexpr Tables kTables = Tables();

  static HWY_INLINE UnsignedBytes spread(const std::uint8_t* p) {
    const __m512i bytes =
        _mm512_permutexvar_epi8(_mm512_load_si512(kTables.source), _mm512_loadu_si512(p));
    return UnsignedBytes{_mm512_multishift_epi64_epi8(_mm512_load_si512(kTables.shift), bytes)};
  }
};

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#include "xlstm/kernels/quantized_linear/quantized_rows-inl.h"
#endif

#if HWY_ONCE
namespace xlstm::kernels {

const QuantizedKernels* avx512_vnni_kernels() {
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX3)
  static constexpr QuantizedKernels kKernels = {"AVX-512 VNNI", N_AVX3::unit_of, N_AVX3::pack_row,
                                                N_AVX3::multiply_range, nullptr};
  return has_simd(kAvx512Int8) ? &kKernels : nullptr;
#else
  return nullptr;
#endif
}

}  // namespace xlstm::kernels
#endif
