#include "xlstm/kernels/quantized_linear/quantized_many_rows.h"

#include <algorithm>

namespace xlstm::kernels {

void quantized_linear_many_rows(const QuantizedLinearArgs& args) {
  for (std::size_t m = 0; m < args.M; m += kLinearDotRows) {
    QuantizedLinearArgs block = args;
    block.x += static_cast<std::ptrdiff_t>(m) * args.x_stride;
    block.y += static_cast<std::ptrdiff_t>(m) * args.y_stride;
    block.M = std::min(kLinearDotRows, args.M - m);
    quantized_linear_few_rows(block);
  }
}

}  // namespace xlstm::kernels
