// quantized_linear() with products of 8-bit whole numbers, by panels.
#pragma once

#include "xlstm/kernels/packed_gemm/panels.h"
#include "xlstm/kernels/quantized_linear/quantized_linear_args.h"

namespace xlstm::kernels {

// The sum of an element of y is in an order that nothing but K and the group size decide. nullptr
// where there are no instructions for it (kernels/simd/simd.h). The fewest rows are the same for
// all formats.
const PanelKernel<QuantizedLinearArgs>* quantized_panels(const Quantization& format);

// One for each kind of processor; likewise.
const PanelKernel<QuantizedLinearArgs>* quantized_panels_avx512();
const PanelKernel<QuantizedLinearArgs>* quantized_panels_avx2(const Quantization& format);

}  // namespace xlstm::kernels
