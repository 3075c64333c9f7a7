// quantized_linear() for more than quantized_linear_dot_rows() rows of x.
#pragma once

#include "xlstm/kernels/quantized_linear/quantized_linear_args.h"

namespace xlstm::kernels {

void quantized_linear_many_rows(ThreadPool& pool, const QuantizedLinearArgs& args);

// At most kLinearDotRows rows, W read once: what quantized_linear() does with so few.
void quantized_linear_few_rows(ThreadPool& pool, const QuantizedLinearArgs& args);

}  // namespace xlstm::kernels
