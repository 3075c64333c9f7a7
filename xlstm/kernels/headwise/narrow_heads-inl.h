// Narrow groups: vectors run along outputs, and W is transposed in registers, or in a buffer, once
// for several rows of x. Included once for each SIMD target.
#if defined(XLSTM_NARROW_HEADS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_NARROW_HEADS_INL
#undef XLSTM_NARROW_HEADS_INL
#else
#define XLSTM_NARROW_HEADS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/headwise/headwise.h"
#include "xlstm/kernels/vector/functions-inl.h"
#include "xlstm/kernels/vector/unrolled-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

constexpr std::size_t kRowsAtOnce = 8;  // for which W is transposed once
constexpr std::size_t kOutputsAtOnce = 32;

// Rows [m0, m1) of x and of y.
struct HeadwiseRows {
  const float* x;
  float* y;
  std::size_t m0, m1;
};

inline float widened(float x) {
  return x;
}
inline float widened(std::uint16_t x) {
  return float_from_bf16(x);
}

// Outputs [o0, o1) of group g, at most kOutputsAtOnce.
template <class Raw>
void any_outputs(const HeadwiseWeights& w, const HeadwiseRows& r, std::size_t g, std::size_t o0,
                 std::size_t o1) {
  HWY_ALIGN float transposed[kHeadwiseWidth * kOutputsAtOnce];
  const std::size_t count = o1 - o0;
  for (std::size_t o = 0; o < count; ++o) {
    const Raw* const row = static_cast<const Raw*>(w.W) + (g * w.O + o0 + o) * w.I;
    for (std::size_t d = 0; d < w.I; ++d) transposed[d * kOutputsAtOnce + o] = widened(row[d]);
  }
  const hn::ScalableTag<float> tag;
  for (std::size_t m = r.m0; m < r.m1; ++m) {
    const float* const x = r.x + m * w.H * w.I + g % w.H * w.I;
    for_vectors(count, [&](auto load, auto store) HWY_ATTR {
      auto sum = w.bias != nullptr ? load(w.bias + g * w.O + o0) : hn::Zero(tag);
      for (std::size_t d = 0; d < w.I; ++d) {
        sum = hn::MulAdd(hn::Set(tag, x[d]), load(transposed + d * kOutputsAtOnce), sum);
      }
      store(sum, r.y + (m * w.G + g) * w.O + o0);
    });
  }
}

// Groups [g0, g1) of any widths.
template <class Raw>
void any_groups(const HeadwiseWeights& w, const HeadwiseRows& r, std::size_t g0, std::size_t g1) {
  for (std::size_t g = g0; g < g1; ++g) {
    for (std::size_t o = 0; o < w.O; o += kOutputsAtOnce) {
      any_outputs<Raw>(w, r, g, o, std::min(o + kOutputsAtOnce, w.O));
    }
  }
}

#if HWY_TARGET != HWY_SCALAR
constexpr std::size_t kFoursAtOnce = HWY_LANES(float) / 4;

template <class D>
HWY_INLINE void load_columns(D d, const float* W, hn::Vec<D> (&w)[4]) {
  hn::LoadInterleaved4(d, W, w[0], w[1], w[2], w[3]);
}
template <class D>
HWY_INLINE void load_columns(D d, const std::uint16_t* W, hn::Vec<D> (&w)[4]) {
  hn::Vec<hn::Rebind<std::uint16_t, D>> raw[4];
  hn::LoadInterleaved4(hn::Rebind<std::uint16_t, D>(), W, raw[0], raw[1], raw[2], raw[3]);
  unrolled<4>([&](auto at) HWY_ATTR { w[at] = widened_bf16(d, raw[at]); });
}

// kFoursAtOnce groups of 4 x 4 from g on, of neighbouring heads. A vector has the groups' blocks
// beside each other: of x as it lies, of W a column of each group's matrix.
template <class Raw>
HWY_INLINE void groups_of_4(const HeadwiseWeights& w, const HeadwiseRows& r, std::size_t g) {
  const hn::ScalableTag<float> d;
  hn::Vec<decltype(d)> column[4];
  load_columns(d, static_cast<const Raw*>(w.W) + g * 16, column);
  const auto bias = w.bias != nullptr ? hn::LoadU(d, w.bias + g * 4) : hn::Zero(d);
  for (std::size_t m = r.m0; m < r.m1; ++m) {
    const auto x = hn::LoadU(d, r.x + (m * w.H + g % w.H) * 4);
    auto sum = hn::MulAdd(hn::Broadcast<0>(x), column[0], bias);
    sum = hn::MulAdd(hn::Broadcast<1>(x), column[1], sum);
    sum = hn::MulAdd(hn::Broadcast<2>(x), column[2], sum);
    sum = hn::MulAdd(hn::Broadcast<3>(x), column[3], sum);
    hn::StoreU(sum, d, r.y + (m * w.G + g) * 4);
  }
}
#endif

template <class Raw>
void narrow_typed(const HeadwiseWeights& w, const HeadwiseRows& r) {
#if HWY_TARGET != HWY_SCALAR
  if (w.O == 4 && w.I == 4) {
    for (std::size_t first = 0; first < w.G; first += w.H) {  // x is there once for each H groups
      std::size_t g = first;
      for (; g + kFoursAtOnce <= first + w.H; g += kFoursAtOnce) groups_of_4<Raw>(w, r, g);
      any_groups<Raw>(w, r, g, first + w.H);
    }
    return;
  }
#endif
  any_groups<Raw>(w, r, 0, w.G);
}

void narrow_rows(const HeadwiseWeights& w, const HeadwiseRows& r) {
  for (std::size_t m = r.m0; m < r.m1; m += kRowsAtOnce) {
    const HeadwiseRows part = {r.x, r.y, m, std::min(m + kRowsAtOnce, r.m1)};
    if (w.type == WeightType::kF32) {
      narrow_typed<float>(w, part);
    } else {
      narrow_typed<std::uint16_t>(w, part);
    }
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
