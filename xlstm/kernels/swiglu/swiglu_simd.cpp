#include <cassert>

#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/swiglu/swiglu.h"
#include "xlstm/kernels/vector/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/swiglu/swiglu_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

void swiglu_rows(const float* gate_up, float* y, std::size_t begin, std::size_t end,
                 std::size_t F) {
  const hn::ScalableTag<float> d;
  for (std::size_t row = begin; row < end; ++row) {
    const float* const gate = gate_up + row * 2 * F;
    float* const out = y + row * F;
    for_vectors(F, [&](auto load, auto store) HWY_ATTR {
      const auto g = load(gate);
      store(hn::Mul(hn::Mul(g, sigmoid(d, g)), load(gate + F)), out);
    });
  }
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(swiglu_rows);
}  // namespace

void swiglu(ThreadPool& pool, const float* gate_up, float* y, std::size_t rows, std::size_t F) {
  assert(rows == 0 || F == 0 || (gate_up != nullptr && y != nullptr));
  const auto run = XLSTM_DISPATCH(swiglu_rows);
  for_rows(pool, rows, 4 * F,
           [&](std::size_t begin, std::size_t end) { run(gate_up, y, begin, end, F); });
}

}  // namespace xlstm::kernels
#endif
