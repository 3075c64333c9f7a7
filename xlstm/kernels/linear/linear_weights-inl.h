// Weights of each type as vectors of float32. Included once for each SIMD target.
#if defined(XLSTM_LINEAR_WEIGHTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_LINEAR_WEIGHTS_INL
#undef XLSTM_LINEAR_WEIGHTS_INL
#else
#define XLSTM_LINEAR_WEIGHTS_INL
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "xlstm/kernels/linear/linear.h"
#include "xlstm/kernels/vector/unrolled-inl.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using VectorTag = hn::ScalableTag<float>;
using Vector = hn::Vec<VectorTag>;
constexpr int kLanes = HWY_LANES(float);
using QuadTag = hn::FixedTag<float, 4>;  // one of the blocks that vectors are made of
static_assert(kLanes >= 4 && kLanes % 4 == 0);
struct F32Weights {
  using Raw = float;
  static HWY_INLINE Vector widen(hn::Vec<VectorTag> raw) { return raw; }
};

struct BF16Weights {
  using Raw = std::uint16_t;
  static HWY_INLINE Vector widen(hn::Vec<hn::Rebind<Raw, VectorTag>> raw) {
    return widened_bf16(VectorTag(), raw);
  }
};

struct F16Weights {
  using Raw = std::uint16_t;
  static HWY_INLINE Vector widen(hn::Vec<hn::Rebind<Raw, VectorTag>> raw) {
    const VectorTag d;
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || (HWY_ARCH_ARM_A64 && HWY_TARGET != HWY_EMU128)
    return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, VectorTag>(), raw));
#else
    // No instruction for it: put exponent and mantissa in place, correct the exponent's bias by an
    // exact product (which also normalises subnormals), and make 65536 and above infinity or NaN.
    const hn::Rebind<std::uint32_t, VectorTag> u;
    const auto half = hn::PromoteTo(u, raw);
    const auto magnitude = hn::And(half, hn::Set(u, 0x7FFF));
    const auto value = hn::Mul(hn::BitCast(d, hn::ShiftLeft<13>(magnitude)), hn::Set(d, 0x1p112F));
    const auto beyond =
        hn::And(hn::VecFromMask(u, hn::Gt(magnitude, hn::Set(u, 0x7BFF))), hn::Set(u, 0x7F800000));
    const auto sign = hn::ShiftLeft<16>(hn::Xor(half, magnitude));
    return hn::BitCast(d, hn::Or(hn::Or(hn::BitCast(u, value), beyond), sign));
#endif
  }
};

// kLanes weights from `p`.
template <class Weights>
HWY_INLINE Vector load_weights(const typename Weights::Raw* p) {
  return Weights::widen(hn::LoadU(hn::Rebind<typename Weights::Raw, VectorTag>(), p));
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
