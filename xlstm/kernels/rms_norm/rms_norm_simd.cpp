#include <cassert>
#include <cmath>

#include "xlstm/kernels/rms_norm/rms_norm.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/vector/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/rms_norm/rms_norm_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

void rms_norm_rows(const RmsNormArgs& a, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<float> d;
  for (std::size_t row = begin; row < end; ++row) {
    const float* const x = a.x + row * a.D;
    float* const y = a.y + row * a.D;
    auto squares = hn::Zero(d);
    for_vectors(a.D, [&](auto load, auto) HWY_ATTR {
      const auto v = load(x);
      squares = hn::MulAdd(v, v, squares);
    });
    const float mean = hn::GetLane(hn::SumOfLanes(d, squares)) / static_cast<float>(a.D);
    const auto scale = hn::Set(d, 1.0F / std::sqrt(mean + a.eps));
    for_vectors(a.D, [&](auto load, auto store) HWY_ATTR {
      const auto normed = hn::Mul(hn::Mul(load(x), scale), load(a.weight));
      store(a.bias != nullptr ? hn::Add(normed, load(a.bias)) : normed, y);
    });
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(rms_norm_rows);
}  // namespace

void rms_norm(ThreadPool& pool, const float* x, const float* weight, const float* bias, float eps,
              float* y, std::size_t rows, std::size_t D) {
  assert(eps > 0);
  assert(rows == 0 || D == 0 || (x != nullptr && weight != nullptr && y != nullptr));
  const auto run = XLSTM_DISPATCH(rms_norm_rows);
  const RmsNormArgs args{x, weight, bias, y, eps, D};
  for_rows(pool, rows, D, [&](std::size_t begin, std::size_t end) { run(args, begin, end); });
}

}  // namespace xlstm::kernels
#endif
