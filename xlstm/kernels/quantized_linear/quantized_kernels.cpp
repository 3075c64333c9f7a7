// quantized_linear()'s kernels for every target that Highway knows, and the choice among all.
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"

#include <atomic>

// As in linear_simd.cpp.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV | HWY_SSSE3)
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
                                            multiply_part, special};
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

std::atomic<bool> plain_only = false;

}  // namespace

void use_plain_quantized_kernels(bool plain) {
  plain_only = plain;
}

const QuantizedKernels* quantized_kernels() {
  const QuantizedKernels* const plain = HWY_DYNAMIC_DISPATCH(kernels_of_target)();
  if (plain == nullptr || plain->special == nullptr || plain_only) return plain;
  const QuantizedKernels* const special = plain->special();
  return special != nullptr ? special : plain;
}

}  // namespace xlstm::kernels
#endif
