// Four vectors of partial sums to four sums. Included once for each SIMD target.
#if defined(XLSTM_LANE_SUMS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_LANE_SUMS_INL
#undef XLSTM_LANE_SUMS_INL
#else
#define XLSTM_LANE_SUMS_INL
#endif

#include <hwy/highway.h>

#include "xlstm/kernels/linear/linear_weights-inl.h"

#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

HWY_INLINE hn::Vec<QuadTag> add_blocks(hn::Vec<QuadTag> sums) {
  return sums;
}
#if HWY_MAX_BYTES > 16
template <class V>
HWY_INLINE hn::Vec<QuadTag> add_blocks(V sums) {
  const hn::DFromV<V> d;
  const hn::Half<decltype(d)> half;
  return add_blocks(hn::Add(hn::LowerHalf(half, sums), hn::UpperHalf(half, sums)));
}
#endif

// {sum of a's lanes, of b's, of c's, of d's}; each sum in the same order.
HWY_INLINE hn::Vec<QuadTag> sums_of_lanes(Vector a, Vector b, Vector c, Vector e) {
  const VectorTag d;
  const hn::Repartition<double, VectorTag> pairs;
  const auto ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  const auto ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
  const auto low = hn::InterleaveLower(pairs, hn::BitCast(pairs, ab), hn::BitCast(pairs, ce));
  const auto high = hn::InterleaveUpper(pairs, hn::BitCast(pairs, ab), hn::BitCast(pairs, ce));
  return add_blocks(hn::Add(hn::BitCast(d, low), hn::BitCast(d, high)));
}

// y[rows[r]] = sum of sum[r]'s lanes (+ bias[rows[r]]).
template <int R>
HWY_INLINE void store_row_sums(const Vector (&sum)[R], const std::size_t (&rows)[R],
                               const float* bias, float* y) {
  alignas(16) float out[R];
  unrolled<R / 4>([&](auto at) HWY_ATTR {
    constexpr int r = decltype(at)::value * 4;
    hn::Store(sums_of_lanes(sum[r], sum[r + 1], sum[r + 2], sum[r + 3]), QuadTag(), out + r);
  });
  for (int r = 0; r < R; ++r) y[rows[r]] = bias == nullptr ? out[r] : out[r] + bias[rows[r]];
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
