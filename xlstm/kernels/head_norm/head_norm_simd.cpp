#include <cassert>
#include <cmath>

#include "xlstm/kernels/head_norm/head_norm.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/vector/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/head_norm/head_norm_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

float sum_of(const float* x, std::size_t count) {
  const hn::ScalableTag<float> d;
  auto sum = hn::Zero(d);
  for_vectors(count, [&](auto load, auto) HWY_ATTR { sum = hn::Add(sum, load(x)); });
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// Of whole vectors, then of what is left: a vector padded with zeros would count their distance
// from the mean.
float squares_around(const float* x, float mean, std::size_t count) {
  const hn::ScalableTag<float> d;
  const auto centre = hn::Set(d, mean);
  auto sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
    const auto v = hn::Sub(hn::LoadU(d, x + i), centre);
    sum = hn::MulAdd(v, v, sum);
  }
  float out = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) out += (x[i] - mean) * (x[i] - mean);
  return out;
}

// y may be h.
void head_norm_rows(const HeadNormArgs& a, std::size_t begin, std::size_t end) {
  const hn::ScalableTag<float> d;
  const std::size_t V = a.NH * a.DHV;
  for (std::size_t row = begin; row < end; ++row) {
    for (std::size_t head = 0; head < a.NH; ++head) {
      const std::size_t at = head * a.DHV;
      const float* const h = a.h + row * V + at;
      const float* const gate =
          a.gate == nullptr ? nullptr
                            : a.gate + static_cast<std::ptrdiff_t>(row) * a.gate_stride + at;
      float* const y = a.y + row * V + at;
      const auto width = static_cast<float>(a.DHV);
      const float mean = sum_of(h, a.DHV) / width;
      const float variance = squares_around(h, mean, a.DHV) / width;
      const auto centre = hn::Set(d, mean);
      const auto scale = hn::Set(d, 1.0F / std::sqrt(variance + a.eps));
      for_vectors(a.DHV, [&](auto load, auto store) HWY_ATTR {
        auto v = hn::Mul(hn::Mul(hn::Sub(load(h), centre), scale), load(a.weight + at));
        if (a.bias != nullptr) v = hn::Add(v, load(a.bias + at));
        store(gate != nullptr ? hn::Mul(v, sigmoid(d, load(gate))) : v, y);
      });
    }
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(head_norm_rows);
}  // namespace

void head_norm(ThreadPool& pool, const HeadNormArgs& args, std::size_t rows) {
  assert(args.eps > 0);
  assert(rows == 0 || args.NH * args.DHV == 0 ||
         (args.h != nullptr && args.weight != nullptr && args.y != nullptr));
  const auto run = XLSTM_DISPATCH(head_norm_rows);
  for_rows(pool, rows, 4 * args.NH * args.DHV,
           [&](std::size_t begin, std::size_t end) { run(args, begin, end); });
}

}  // namespace xlstm::kernels
#endif
