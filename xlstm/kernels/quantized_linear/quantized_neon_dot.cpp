// quantized_linear()'s kernels for 64-bit ARM with SDOT: Highway's NEON target and an instruction
// more, which Highway 1.0.3 cannot be asked for.
#include "xlstm/kernels/packed_gemm/neon-inl.h"
#include "xlstm/kernels/quantized_linear/quantized_kernels.h"
#include "xlstm/kernels/simd/simd.h"

#ifdef XLSTM_NEON_DOTS
// Accumulators are arrays of vectors, which vectors of unknown length cannot be in.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include <hwy/highway.h>

// What functions below are compiled for.
#undef HWY_BEFORE_NAMESPACE
#undef HWY_AFTER_NAMESPACE
#undef HWY_ATTR
#define XLSTM_NEON_TARGET XLSTM_NEON_DOT_TARGET "+crypto"
#define HWY_BEFORE_NAMESPACE()           \
  HWY_PUSH_ATTRIBUTES(XLSTM_NEON_TARGET) \
  static_assert(true, "For requiring trailing semicolon")
#define HWY_AFTER_NAMESPACE() \
  HWY_POP_ATTRIBUTES          \
  static_assert(true, "For requiring trailing semicolon")
#define HWY_ATTR __attribute__((target(XLSTM_NEON_TARGET)))
#define XLSTM_DOT_BYTES
#define XLSTM_DOT_SIGNED_BYTES

#include "xlstm/kernels/linear/linear_weights-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

using Bytes = hn::Vec<hn::Repartition<std::uint8_t, VectorTag>>;
using SignedBytes = hn::Vec<hn::Repartition<std::int8_t, VectorTag>>;
using Sums = hn::Vec<hn::Rebind<std::int32_t, VectorTag>>;

// sum + the products of w, as signed bytes, and x, four to a lane.
HWY_INLINE Sums dot_bytes(Sums sum, Bytes w, SignedBytes x) {
  return Sums{vdotq_s32(sum.raw, vreinterpretq_s8_u8(w.raw), x.raw)};
}

// 16 codes of `Bits` bits, 3, 5 or 6, each to a byte; what is above it may stay.
template <int Bits>
struct CodeStream {
  static constexpr CodePlaces kPlaces = CodePlaces(Bits);

  static HWY_INLINE Bytes spread(const std::uint8_t* p) {
    return Bytes{kPlaces.spread(vld1q_u8(p))};
  }
};

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#include "xlstm/kernels/quantized_linear/quantized_rows-inl.h"

namespace xlstm::kernels {

const QuantizedKernels* neon_dot_kernels() {
  static constexpr QuantizedKernels kKernels = {"NEON SDOT", HWY_NAMESPACE::unit_of,
                                                HWY_NAMESPACE::pack_row,
                                                HWY_NAMESPACE::multiply_range, nullptr};
  return has_simd(kNeonDot) ? &kKernels : nullptr;
}

}  // namespace xlstm::kernels

#else

namespace xlstm::kernels {

const QuantizedKernels* neon_dot_kernels() {
  return nullptr;
}

}  // namespace xlstm::kernels
#endif
