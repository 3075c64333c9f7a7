// Scales and biases of groups as vectors. Included once for each SIMD target.
#if defined(XLSTM_QUANTIZED_FACTORS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_QUANTIZED_FACTORS_INL
#undef XLSTM_QUANTIZED_FACTORS_INL
#else
#define XLSTM_QUANTIZED_FACTORS_INL
#endif

#include <hwy/highway.h>

#include "xlstm/kernels/quantized_linear/quantized_codes-inl.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

// Of kLanes neighbouring groups: weights are scale * code + bias. 0 for groups that are not used.
struct Factors {
  Vector scale, bias;
};

constexpr std::size_t kFactorPrefetchBytes = 512;  // prefetch distance

template <class Weights>
struct AffineFactors {
  using Raw = typename Weights::Raw;

  static HWY_INLINE Vector load(const void* array, std::size_t group, std::size_t count) {
    const Raw* const p = static_cast<const Raw*>(array) + group;
    __builtin_prefetch(reinterpret_cast<const std::byte*>(p) + kFactorPrefetchBytes, 0, 2);
    return hn::IfThenElseZero(hn::FirstN(VectorTag(), count), load_weights<Weights>(p));
  }
  // Groups [group, group + min(count, kLanes)).
  static HWY_INLINE Factors load(const QuantizedMatrix& W, std::size_t group, std::size_t count) {
    return {load(W.scales, group, count), load(W.biases, group, count)};
  }
};

// Powers of two, halved because the codes are doubled, and biases that move the codes' zero back.
struct Mxfp4Factors {
  static HWY_INLINE Factors load(const QuantizedMatrix& W, std::size_t group, std::size_t count) {
    const VectorTag d;
    const IntTag di;
    const hn::Rebind<std::uint8_t, VectorTag> bytes;
    const auto* const p = static_cast<const std::uint8_t*>(W.scales) + group;
    __builtin_prefetch(p + kFactorPrefetchBytes, 0, 2);
    const auto code = hn::PromoteTo(di, hn::LoadU(bytes, p));
    auto bits = hn::ShiftLeft<23>(code);  // but 0 is 2^-127, and 255 is NaN
    bits = hn::IfThenElse(hn::Eq(code, hn::Zero(di)), hn::Set(di, 0x0040'0000), bits);
    bits = hn::IfThenElse(hn::Eq(code, hn::Set(di, 255)), hn::Set(di, 0x7FC0'0000), bits);
    const Vector scale =
        hn::IfThenElseZero(hn::FirstN(d, count), hn::Mul(hn::BitCast(d, bits), hn::Set(d, 0.5F)));
    return {scale, hn::Mul(scale, hn::Set(d, -static_cast<float>(kMxfp4Zero)))};
  }
};

// Of any type, by way of memory: one function for all tiles in which this costs little.
struct AnyFactors {
  struct Memory {
    alignas(64) float scale[kLanes], bias[kLanes];
  };

  static HWY_NOINLINE void load_to(const QuantizedMatrix& W, std::size_t group, std::size_t count,
                                   Memory& to) {
    const Factors factors = load_inline(W, group, count);
    hn::Store(factors.scale, VectorTag(), to.scale);
    hn::Store(factors.bias, VectorTag(), to.bias);
  }
  static HWY_INLINE Factors load(const QuantizedMatrix& W, std::size_t group, std::size_t count) {
    Memory memory;
    load_to(W, group, count, memory);
    return {hn::Load(VectorTag(), memory.scale), hn::Load(VectorTag(), memory.bias)};
  }

 private:
  static HWY_INLINE Factors load_inline(const QuantizedMatrix& W, std::size_t group,
                                        std::size_t count) {
    switch (W.scale_type) {
      case WeightType::kBF16:
        return AffineFactors<BF16Weights>::load(W, group, count);
      case WeightType::kF16:
        return AffineFactors<F16Weights>::load(W, group, count);
      default:
        return AffineFactors<F32Weights>::load(W, group, count);
    }
  }
};

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
