#include <cassert>

#include "xlstm/kernels/activation/activation.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/vector/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/activation/activation_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

using Tag = hn::ScalableTag<float>;
using Floats = hn::Vec<Tag>;

struct Silu {
  static HWY_INLINE Floats of(Floats x) { return hn::Mul(x, sigmoid(Tag(), x)); }
};

struct Gelu {
  // x times the share of a normal distribution below x, which is half of erfc(|x| / sqrt(2)) or
  // the rest of 1. The formula is in the header.
  static HWY_INLINE Floats of(Floats x) {
    const Tag d;
    const auto z = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678F));
    const auto one = hn::Set(d, 1.0F);
    const auto t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.3275911F), z, one));
    auto sum = hn::MulAdd(t, hn::Set(d, 1.061405429F), hn::Set(d, -1.453152027F));
    sum = hn::MulAdd(t, sum, hn::Set(d, 1.421413741F));
    sum = hn::MulAdd(t, sum, hn::Set(d, -0.284496736F));
    sum = hn::MulAdd(t, sum, hn::Set(d, 0.254829592F));
    const auto half_square = hn::Mul(hn::Mul(x, x), hn::Set(d, -0.5F));
    const auto tail = hn::Mul(hn::Mul(t, sum), hn::Mul(hn::Exp(d, half_square), hn::Set(d, 0.5F)));
    const auto share = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail));
    return hn::IfThenElse(hn::Eq(x, x), hn::Mul(x, share), x);
  }
};

struct Relu {
  static HWY_INLINE Floats of(Floats x) {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(Tag())), x);
  }
};

struct Relu2 {
  static HWY_INLINE Floats of(Floats x) {
    const auto y = Relu::of(x);
    return hn::Mul(y, y);
  }
};

struct Sigmoid {
  static HWY_INLINE Floats of(Floats x) { return sigmoid(Tag(), x); }
};

struct Selu {
  static HWY_INLINE Floats of(Floats x) {
    const Tag d;
    const auto above = hn::Mul(hn::Set(d, 1.05070098F), x);
    const auto below = hn::Mul(hn::Set(d, 1.75809934F), hn::Expm1(d, hn::Min(x, hn::Zero(d))));
    const auto y = hn::IfThenElse(hn::Gt(x, hn::Zero(d)), above, below);
    return hn::IfThenElse(hn::Eq(x, x), y, x);
  }
};

// run(Function()) of the function that `f` names.
template <class Run>
HWY_INLINE void with_function(Activation f, const Run& run) {
  switch (f) {
    case Activation::kSilu:
      return run(Silu());
    case Activation::kGelu:
      return run(Gelu());
    case Activation::kRelu:
      return run(Relu());
    case Activation::kRelu2:
      return run(Relu2());
    case Activation::kSigmoid:
      return run(Sigmoid());
    case Activation::kSelu:
      return run(Selu());
  }
}

void activate_values(Activation f, const float* x, float* y, std::size_t count) {
  with_function(f, [&](auto function) HWY_ATTR {
    for_vectors(count,
                [&](auto load, auto store) HWY_ATTR { store(decltype(function)::of(load(x)), y); });
  });
}

void gated_rows(Activation f, const float* gate_up, float* y, std::size_t begin, std::size_t end,
                std::size_t F) {
  with_function(f, [&](auto function) HWY_ATTR {
    for (std::size_t row = begin; row < end; ++row) {
      const float* const gate = gate_up + row * 2 * F;
      for_vectors(F, [&](auto load, auto store) HWY_ATTR {
        store(hn::Mul(decltype(function)::of(load(gate)), load(gate + F)), y + row * F);
      });
    }
  });
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(activate_values);
HWY_EXPORT(gated_rows);

}  // namespace

void activate(ThreadPool& pool, Activation f, const float* x, float* y, std::size_t count) {
  assert(count == 0 || (x != nullptr && y != nullptr));
  const auto values = XLSTM_DISPATCH(activate_values);
  for_ranges(pool, count, 4,
             [&](std::size_t at, std::size_t size) { values(f, x + at, y + at, size); });
}

void gated(ThreadPool& pool, Activation f, const float* gate_up, float* y, std::size_t rows,
           std::size_t F) {
  assert(rows == 0 || F == 0 || (gate_up != nullptr && y != nullptr));
  const auto run = XLSTM_DISPATCH(gated_rows);
  for_rows(pool, rows, 4 * F,
           [&](std::size_t begin, std::size_t end) { run(f, gate_up, y, begin, end, F); });
}

}  // namespace xlstm::kernels
#endif
