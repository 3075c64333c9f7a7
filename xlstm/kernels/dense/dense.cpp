#include "xlstm/kernels/dense/dense.h"

namespace xlstm::kernels {

void dense(ThreadPool& pool, const DenseWeights& w, const float* x, float* y, std::size_t M) {
  const auto x_stride = static_cast<std::ptrdiff_t>(w.K);
  const auto y_stride = static_cast<std::ptrdiff_t>(w.N);
  if (w.quantized) {
    quantized_linear(pool, x, x_stride, *w.quantized, w.bias, y, y_stride, M, w.N, w.K);
  } else {
    linear(pool, x, x_stride, w.W, w.type, w.bias, y, y_stride, M, w.N, w.K);
  }
}

std::vector<std::size_t> dense_row_limits(const DenseWeights& w) {
  return {w.quantized ? quantized_linear_dot_rows() : linear_dot_rows(w.type)};
}

}  // namespace xlstm::kernels
