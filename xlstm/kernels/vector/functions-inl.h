// Functions of vectors that several kernels share. Included once for each SIMD target.
#if defined(XLSTM_VECTOR_FUNCTIONS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_VECTOR_FUNCTIONS_INL
#undef XLSTM_VECTOR_FUNCTIONS_INL
#else
#define XLSTM_VECTOR_FUNCTIONS_INL
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// 1 / (1 + exp(-x)); NaN stays NaN. Error: 4 eps of itself, eps = 2^-24 (exp 2, the sum and the
// quotient 1 each), and 2^-126: below x = -88 the result is 0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const V most = hn::Set(d, 104.0F);  // exp() takes no more; it is infinite there
  const V z = hn::Min(hn::Neg(x), most);
  const V y = hn::Div(one, hn::Add(one, hn::Exp(d, z)));
  return hn::IfThenElse(hn::Eq(x, x), y, x);
}

// Error: 2 eps of itself and of |x|; NaN stays NaN. Beyond exp(88) it is that: infinity times one
// of the zeros that vectors are padded with would be NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_or_nan(D d, V x) {
  return hn::IfThenElse(hn::Eq(x, x), hn::Exp(d, hn::Min(x, hn::Set(d, 88.0F))), x);
}

// min(x, 0) - log1p(exp(-|x|)); NaN stays NaN. Error: 8 eps of itself.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log_sigmoid(D d, V x) {
  const V tail = hn::Log1p(d, hn::Exp(d, hn::Neg(hn::Abs(x))));
  const V y = hn::Sub(hn::Min(x, hn::Zero(d)), tail);
  return hn::IfThenElse(hn::Eq(x, x), y, x);
}

// cap * tanh(x / cap); NaN stays NaN. Error: 12 eps of itself (tanh 8, and 1 each for quotient,
// product, and the two where they meet).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V soft_capped(D d, V x, float cap) {
  const V c = hn::Set(d, cap);
  const V y = hn::Mul(c, hn::Tanh(d, hn::Div(x, c)));
  return hn::IfThenElse(hn::Eq(x, x), y, x);
}

// Calls f(load, store, i) for whole vectors of [0, count), then once for what is left with vectors
// that hold zeros beyond it. load(p) reads a vector from p + i, store(v, p) writes one.
template <class F>
HWY_INLINE void for_vectors(std::size_t count, const F& f) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    f([&](const float* p) HWY_ATTR { return hn::LoadU(d, p + i); },
      [&](hn::Vec<decltype(d)> v, float* p) HWY_ATTR { hn::StoreU(v, d, p + i); });
  }
  if (i == count) return;
  const std::size_t left = count - i;
  f(
      [&](const float* p) HWY_ATTR {
        HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)] = {};
        std::copy(p + i, p + i + left, rest);
        return hn::Load(d, rest);
      },
      [&](hn::Vec<decltype(d)> v, float* p) HWY_ATTR {
        HWY_ALIGN float rest[HWY_MAX_BYTES / sizeof(float)];
        hn::Store(v, d, rest);
        std::copy(rest, rest + left, p + i);
      });
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
