#include <algorithm>
#include <cassert>

#include "xlstm/kernels/headwise/headwise.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/vector/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/headwise/headwise_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/headwise/narrow_heads-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

void narrow_range(const HeadwiseWeights& w, const float* x, float* y, std::size_t m0,
                  std::size_t m1) {
  narrow_rows(w, {x, y, m0, m1});
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(narrow_range);

// Groups that are worth a product of their own, each by one thread. Many rows go in ranges, whose x
// stays in the cache for all groups, and which are so large that the same kernel serves them as
// serves all together.
void wide(ThreadPool& pool, const HeadwiseWeights& w, const float* x, float* y, std::size_t M) {
  constexpr std::size_t kRangeRows = 512;
  constexpr double kWorthAThread = 10.0;  // microseconds: weights at 30 GB/s, products at 50 GFMA/s
  const double weights = static_cast<double>(w.G * w.O) * static_cast<double>(w.I);
  const double cost = std::max(weights * static_cast<double>(weight_bytes(w.type)) / 30e3,
                               weights * static_cast<double>(M) / 50e3);
  const auto threads = static_cast<std::size_t>(
      std::clamp(cost / kWorthAThread, 1.0, static_cast<double>(pool.size())));
  const std::size_t ranges = std::max<std::size_t>(1, M / kRangeRows);
  const auto x_stride = static_cast<std::ptrdiff_t>(w.H * w.I);
  const auto y_stride = static_cast<std::ptrdiff_t>(w.G * w.O);
  const std::size_t bytes = weight_bytes(w.type);
  pool.parallel_for(
      ranges * w.G,
      [&](std::size_t task) {
        const std::size_t range = task / w.G, g = task % w.G;
        const std::size_t m0 = M * range / ranges, m1 = M * (range + 1) / ranges;
        linear(pool, x + static_cast<std::ptrdiff_t>(m0) * x_stride + g % w.H * w.I, x_stride,
               static_cast<const std::byte*>(w.W) + g * w.O * w.I * bytes, w.type,
               w.bias != nullptr ? w.bias + g * w.O : nullptr,
               y + static_cast<std::ptrdiff_t>(m0) * y_stride + g * w.O, y_stride, m1 - m0, w.O,
               w.I);
      },
      threads);
}

}  // namespace

void headwise(ThreadPool& pool, const HeadwiseWeights& w, const float* x, float* y, std::size_t M) {
  assert(w.H > 0 && w.G % w.H == 0 && w.type != WeightType::kF16);
  if (M == 0) return;
  assert(w.G * w.O == 0 || (y != nullptr && (w.I == 0 || (x != nullptr && w.W != nullptr))));
  if (w.I > kHeadwiseWidth) return wide(pool, w, x, y, M);
  const auto run = XLSTM_DISPATCH(narrow_range);
  for_rows(pool, M, w.G * w.O * (1 + w.I / 4),
           [&](std::size_t begin, std::size_t end) { run(w, x, y, begin, end); });
}

}  // namespace xlstm::kernels
#endif
