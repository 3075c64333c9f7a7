// For a processor, or a compiler, without vectors: plain float32 loops in place of few rows.
#if defined(XLSTM_LINEAR_SCALAR_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef XLSTM_LINEAR_SCALAR_INL
#undef XLSTM_LINEAR_SCALAR_INL
#else
#define XLSTM_LINEAR_SCALAR_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/linear/interleaved_rows.h"
#include "xlstm/kernels/linear/linear_args.h"

#if HWY_TARGET == HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

template <class Raw, class Widen>
void dot_scalar(const LinearArgs& a, const LinearRange& range, const Widen& widen) {
  const std::size_t all = range.n1 - range.n0;
  const std::size_t end = range.n0 + begin_of_chunk(all, range.chunk + 1, range.chunks);
  for (std::size_t n = range.n0 + begin_of_chunk(all, range.chunk, range.chunks); n < end; ++n) {
    const Raw* const w = static_cast<const Raw*>(a.W) + n * a.K;
    for (std::size_t m = range.m0; m < range.m1; ++m) {
      const float* const x = a.x + static_cast<std::ptrdiff_t>(m) * a.x_stride;
      float sum = 0.0F;
      for (std::size_t k = 0; k < a.K; ++k) sum += x[k] * widen(w[k]);
      if (a.bias != nullptr) sum += a.bias[n];
      a.y[static_cast<std::ptrdiff_t>(m) * a.y_stride + static_cast<std::ptrdiff_t>(n)] = sum;
    }
  }
}

void dot_range(const LinearArgs& a, const LinearRange& range) {
  switch (a.type) {
    case WeightType::kF32:
      return dot_scalar<float>(a, range, [](float w) { return w; });
    case WeightType::kBF16:
      return dot_scalar<std::uint16_t>(a, range, float_from_bf16);
    case WeightType::kF16:
      return dot_scalar<std::uint16_t>(a, range, float_from_f16);
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif
