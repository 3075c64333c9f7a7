// What softmax adds up. Included once for each SIMD target.
#if defined(XLSTM_SOFTMAX_WEIGHTS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_SOFTMAX_WEIGHTS_INL
#undef XLSTM_SOFTMAX_WEIGHTS_INL
#else
#define XLSTM_SOFTMAX_WEIGHTS_INL
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>
#include <limits>

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kLowest = -std::numeric_limits<float>::infinity();

// Logits whose weights fit in a core's nearest cache, so that a pass over a row needs no memory.
constexpr std::size_t kBlock = 256;

// to[i] = exp((logits[i] - most) / temperature) for i < count; 0 for -inf. No logit is above
// `most`. Where it is at least 2^-126 it errs by (d + 4) eps of itself, d being the negative
// exponent and eps = 2^-24: the difference and the quotient are rounded once each, exp() errs by 2.
inline void weights_of(const float* logits, std::size_t count, float most, float temperature,
                       float* to) {
  const hn::ScalableTag<float> d;
  const auto top = hn::Set(d, most);
  const auto divisor = hn::Set(d, temperature);
  const bool divides = temperature != 1.0F;
  // Below this exp is 0 in float32, and -inf leaves the range that Exp is made for.
  const auto floor = hn::Set(d, -104.0F);
  const auto weight = [&](auto v) HWY_ATTR {
    auto z = hn::Sub(v, top);
    if (divides) z = hn::Div(z, divisor);
    return hn::IfThenElseZero(hn::Gt(z, floor), hn::Exp(d, hn::Max(z, floor)));
  };
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    hn::StoreU(weight(hn::LoadU(d, logits + i)), d, to + i);
  }
  if (i == count) return;
  HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)];
  std::fill(std::begin(rest), std::end(rest), kLowest);
  std::copy(logits + i, logits + count, rest);
  hn::Store(weight(hn::Load(d, rest)), d, rest);
  std::copy(rest, rest + (count - i), to + i);
}

// In eight strands, which a compiler makes vectors of.
inline double sum_of(const float* values, std::size_t count) {
  double strands[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t s = 0; s < 8; ++s) strands[s] += static_cast<double>(values[i + s]);
  }
  for (; i < count; ++i) strands[0] += static_cast<double>(values[i]);
  double all = 0;
  for (const double strand : strands) all += strand;
  return all;
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
