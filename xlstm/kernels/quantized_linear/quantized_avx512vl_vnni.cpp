// AVX-VNNI's kernels in AVX-512's encoding: where a processor with AVX-512 VNNI is to use AVX2's
// vectors, which is how they are tested on one.
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/simd/simd.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/quantized_linear/quantized_avx512vl_vnni.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#if HWY_TARGET == HWY_AVX2
#define XLSTM_VNNI_TARGET ",avx512f,avx512vl,avx512vnni"
#define XLSTM_VNNI_DOT _mm256_dpbusd_epi32
#include "xlstm/kernels/quantized_linear/quantized_avx_vnni-inl.h"
#endif

#if HWY_ONCE
namespace xlstm::kernels {

const QuantizedKernels* avx512vl_vnni_kernels() {
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX2)
  static constexpr QuantizedKernels kKernels = {"AVX-512VL VNNI", N_AVX2::unit_of, N_AVX2::pack_row,
                                                N_AVX2::multiply_range, nullptr};
  return has_simd(kAvx512VlVnni) ? &kKernels : nullptr;
#else
  return nullptr;
#endif
}

}  // namespace xlstm::kernels
#endif
