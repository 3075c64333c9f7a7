// quantized_linear()'s kernels for AVX2 with AVX-VNNI: processors without AVX-512.
#include "xlstm/kernels/packed_gemm/x86_intrinsics.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/simd/simd.h"

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/quantized_linear/quantized_avx_vnni.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#if HWY_TARGET == HWY_AVX2 && defined(XLSTM_HAS_AVX_VNNI)
#define XLSTM_VNNI_TARGET ",avxvnni"
#define XLSTM_VNNI_DOT _mm256_dpbusd_avx_epi32
#include "xlstm/kernels/quantized_linear/quantized_avx_vnni-inl.h"
#endif

#if HWY_ONCE
namespace xlstm::kernels {

const QuantizedKernels* avx_vnni_kernels() {
#if HWY_ARCH_X86 && (HWY_TARGETS & HWY_AVX2) && defined(XLSTM_HAS_AVX_VNNI)
  static constexpr QuantizedKernels kKernels = {"AVX-VNNI", N_AVX2::unit_of, N_AVX2::pack_row,
                                                N_AVX2::multiply_range, nullptr};
  return has_simd(kAvxVnni) ? &kKernels : avx512vl_vnni_kernels();
#else
  return avx512vl_vnni_kernels();
#endif
}

}  // namespace xlstm::kernels
#endif
