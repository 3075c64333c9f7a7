#include <cassert>

#include "xlstm/kernels/quantize/add_product.h"
#include "xlstm/kernels/simd/dispatch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "xlstm/kernels/quantize/add_product_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace xlstm::kernels::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;

// Four rows and two vectors of C stay in registers over all of K.
void four_rows(const ProductTask& t, std::size_t m, std::size_t n) {
  const Tag d;
  const std::size_t lanes = hn::Lanes(d);
  const float* a = t.A + m * t.lda;
  float* c = t.C + m * t.ldc + n;
  auto c00 = hn::LoadU(d, c), c01 = hn::LoadU(d, c + lanes);
  auto c10 = hn::LoadU(d, c + t.ldc), c11 = hn::LoadU(d, c + t.ldc + lanes);
  auto c20 = hn::LoadU(d, c + 2 * t.ldc), c21 = hn::LoadU(d, c + 2 * t.ldc + lanes);
  auto c30 = hn::LoadU(d, c + 3 * t.ldc), c31 = hn::LoadU(d, c + 3 * t.ldc + lanes);
  for (std::size_t k = 0; k < t.K; ++k) {
    const float* b = t.B + k * t.ldb + n;
    const auto b0 = hn::LoadU(d, b), b1 = hn::LoadU(d, b + lanes);
    const auto a0 = hn::Set(d, a[k]), a1 = hn::Set(d, a[t.lda + k]);
    const auto a2 = hn::Set(d, a[2 * t.lda + k]), a3 = hn::Set(d, a[3 * t.lda + k]);
    c00 = hn::MulAdd(a0, b0, c00);
    c01 = hn::MulAdd(a0, b1, c01);
    c10 = hn::MulAdd(a1, b0, c10);
    c11 = hn::MulAdd(a1, b1, c11);
    c20 = hn::MulAdd(a2, b0, c20);
    c21 = hn::MulAdd(a2, b1, c21);
    c30 = hn::MulAdd(a3, b0, c30);
    c31 = hn::MulAdd(a3, b1, c31);
  }
  hn::StoreU(c00, d, c);
  hn::StoreU(c01, d, c + lanes);
  hn::StoreU(c10, d, c + t.ldc);
  hn::StoreU(c11, d, c + t.ldc + lanes);
  hn::StoreU(c20, d, c + 2 * t.ldc);
  hn::StoreU(c21, d, c + 2 * t.ldc + lanes);
  hn::StoreU(c30, d, c + 3 * t.ldc);
  hn::StoreU(c31, d, c + 3 * t.ldc + lanes);
}

void one_row(const ProductTask& t, std::size_t m, std::size_t first, std::size_t last) {
  const float* a = t.A + m * t.lda;
  float* c = t.C + m * t.ldc;
  for (std::size_t k = 0; k < t.K; ++k) {
    const float* b = t.B + k * t.ldb;
    for (std::size_t n = first; n < last; ++n) c[n] += a[k] * b[n];
  }
}

void add_product_here(const ProductTask& t) {
  const std::size_t width = 2 * hn::Lanes(Tag());
  const std::size_t rows = t.M / 4 * 4, columns = t.N / width * width;
  for (std::size_t m = 0; m < rows; m += 4) {
    for (std::size_t n = 0; n < columns; n += width) four_rows(t, m, n);
    for (std::size_t i = m; i < m + 4; ++i) one_row(t, i, columns, t.N);
  }
  for (std::size_t m = rows; m < t.M; ++m) one_row(t, m, 0, t.N);
}

}  // namespace
}  // namespace xlstm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace xlstm::kernels {

HWY_EXPORT(add_product_here);

void add_product(const ProductTask& task) {
  assert(task.lda >= task.K && task.ldb >= task.N && task.ldc >= task.N);
  XLSTM_DISPATCH(add_product_here)(task);
}

}  // namespace xlstm::kernels
#endif
