#include <cassert>

#include "xlstm/kernels/gates/gates.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/vector/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/gates/gates_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

void soft_cap_values(const float* z, float cap, float* out, std::size_t count) {
  const hn::ScalableTag<float> d;
  for_vectors(count,
              [&](auto load, auto store) HWY_ATTR { store(soft_capped(d, load(z), cap), out); });
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {
HWY_EXPORT(soft_cap_values);
}  // namespace

void soft_cap(ThreadPool& pool, const float* z, float cap, float* out, std::size_t count) {
  assert(count == 0 || (z != nullptr && out != nullptr));
  if (!(cap > 0)) {
    if (out != z) std::copy(z, z + count, out);
    return;
  }
  const auto run = XLSTM_DISPATCH(soft_cap_values);
  for_ranges(pool, count, 8,
             [&](std::size_t at, std::size_t size) { run(z + at, cap, out + at, size); });
}

}  // namespace xlstm::kernels
#endif
