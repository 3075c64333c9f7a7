// What kernels share that hold tiles of accumulators in registers. Included once for each SIMD
// target.
#if defined(XLSTM_UNROLLED_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_UNROLLED_INL
#undef XLSTM_UNROLLED_INL
#else
#define XLSTM_UNROLLED_INL
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <type_traits>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// Registers for accumulators: AVX-512 and 64-bit ARM have 32, others 16.
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_ARCH_ARM_A64;

// f(0) ... f(Count - 1) with constants for arguments: arrays of vectors are only sure to stay in
// registers when no index into them is a variable.
template <class F, int... I>
HWY_INLINE void unrolled(const F& f, std::integer_sequence<int, I...>) {
  (f(std::integral_constant<int, I>()), ...);
}
template <int Count, class F>
HWY_INLINE void unrolled(const F& f) {
  unrolled(f, std::make_integer_sequence<int, Count>());
}

// bfloat16 as float32.
template <class D>
HWY_INLINE hn::Vec<D> widened_bf16(D d, hn::Vec<hn::Rebind<std::uint16_t, D>> halves) {
  const hn::Rebind<std::uint32_t, D> bits;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(bits, halves)));
}

// A vector of float32 from numbers of that type, or of bfloat16.
template <class D>
HWY_INLINE hn::Vec<D> load_widened(D d, const float* p) {
  return hn::LoadU(d, p);
}
template <class D>
HWY_INLINE hn::Vec<D> load_widened(D d, const std::uint16_t* p) {
  return widened_bf16(d, hn::LoadU(hn::Rebind<std::uint16_t, D>(), p));
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
