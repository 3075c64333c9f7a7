#include <cassert>

#include "xlstm/kernels/elementwise/elementwise.h"
#include "xlstm/kernels/simd/dispatch.h"
#include "xlstm/kernels/vector/rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/elementwise/elementwise_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "xlstm/kernels/vector/functions-inl.h"

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {

void add_values(const float* x, const float* z, float* y, std::size_t count) {
  for_vectors(count, [&](auto load, auto store) HWY_ATTR { store(hn::Add(load(x), load(z)), y); });
}

void multiply_values(const float* x, const float* z, float* y, std::size_t count) {
  for_vectors(count, [&](auto load, auto store) HWY_ATTR { store(hn::Mul(load(x), load(z)), y); });
}

void sigmoid_values(const float* x, float* y, std::size_t count) {
  const hn::ScalableTag<float> d;
  for_vectors(count, [&](auto load, auto store) HWY_ATTR { store(sigmoid(d, load(x)), y); });
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {
namespace {

HWY_EXPORT(add_values);
HWY_EXPORT(multiply_values);
HWY_EXPORT(sigmoid_values);

}  // namespace

void add(ThreadPool& pool, const float* x, const float* z, float* y, std::size_t count) {
  assert(count == 0 || (x != nullptr && z != nullptr && y != nullptr));
  const auto values = XLSTM_DISPATCH(add_values);
  for_ranges(pool, count, 1,
             [&](std::size_t at, std::size_t size) { values(x + at, z + at, y + at, size); });
}

void multiply(ThreadPool& pool, const float* x, const float* z, float* y, std::size_t count) {
  assert(count == 0 || (x != nullptr && z != nullptr && y != nullptr));
  const auto values = XLSTM_DISPATCH(multiply_values);
  for_ranges(pool, count, 1,
             [&](std::size_t at, std::size_t size) { values(x + at, z + at, y + at, size); });
}

void sigmoid(ThreadPool& pool, const float* x, float* y, std::size_t count) {
  assert(count == 0 || (x != nullptr && y != nullptr));
  const auto values = XLSTM_DISPATCH(sigmoid_values);
  for_ranges(pool, count, 4,
             [&](std::size_t at, std::size_t size) { values(x + at, y + at, size); });
}

}  // namespace xlstm::kernels
#endif
