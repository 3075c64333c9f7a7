// quantized_linear() with products of 8-bit whole numbers, by panels.
#pragma once

#include "xlstm/kernels/packed_gemm/panels.h"
#include "xlstm/kernels/quantized_linear/quantized_linear_args.h"

namespace xlstm::kernels {

// The sum of an element of y is in an order that nothing but K and the group size decide. nullptr
// where there are no instructions for it (kernels/simd/simd.h).
const PanelKernel<QuantizedLinearArgs>* quantized_panels();

}  // namespace xlstm::kernels
