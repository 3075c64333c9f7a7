#include <algorithm>
#include <vector>

#include "xlstm/base/threads.h"
#include "xlstm/kernels/quantized_linear/quantized_linear.h"
#include "xlstm/kernels/quantized_linear/quantized_many_rows.h"

namespace xlstm::kernels {

void quantized_linear_few_rows(const QuantizedLinearArgs& a) {
  const std::size_t parts = std::min(a.N, thread_count());
  parallel_for(parts, [&](std::size_t part) {
    std::vector<float> row(a.K);
    for (std::size_t n = a.N * part / parts; n < a.N * (part + 1) / parts; ++n) {
      dequantize_row(a.W, n, a.K, row.data());
      linear(a.x, a.x_stride, row.data(), WeightType::kF32,
             a.bias == nullptr ? nullptr : a.bias + n, a.y + n, a.y_stride, a.M, 1, a.K);
    }
  });
}

void quantized_linear(const float* x, std::ptrdiff_t x_stride, const QuantizedMatrix& W,
                      const float* bias, float* y, std::ptrdiff_t y_stride, std::size_t M,
                      std::size_t N, std::size_t K) {
  if (M == 0 || N == 0) return;
  const QuantizedLinearArgs args{x, x_stride, W, bias, y, y_stride, M, N, K};
  if (M <= kLinearDotRows) {
    quantized_linear_few_rows(args);
  } else {
    quantized_linear_many_rows(args);
  }
}

}  // namespace xlstm::kernels
