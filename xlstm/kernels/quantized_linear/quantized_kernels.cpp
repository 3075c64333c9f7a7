// quantized_linear()'s kernels for every target that Highway knows, and the choice among all.
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/quantized_linear/quantized_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/quantized_linear/quantized_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

const QuantizedKernels* kernels_of_target() {
#if HWY_TARGET == HWY_SCALAR
  return nullptr;
#else
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  constexpr auto special = avx512_vnni_kernels;
#elif HWY_TARGET == HWY_AVX2
  constexpr auto special = avx_vnni_kernels;
#elif HWY_ARCH_ARM_A64
  constexpr auto special = neon_dot_kernels;
#else
  constexpr decltype(&avx512_vnni_kernels) special = nullptr;
#endif
  static const QuantizedKernels kKernels = {hwy::TargetName(HWY_TARGET), unit_of, pack_row,
                                            multiply_range, special};
  return &kKernels;
#endif
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(kernels_of_target);

}  // namespace

const QuantizedKernels* quantized_kernels() {
  const QuantizedKernels* const plain = XLSTM_DISPATCH(kernels_of_target)();
  if (plain == nullptr || plain->special == nullptr) return plain;
  const QuantizedKernels* const special = plain->special();
  return special != nullptr ? special : plain;
}

}  // namespace xlstm::kernels
#endif
