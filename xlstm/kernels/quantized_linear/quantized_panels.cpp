// The best panels that this machine can multiply.
#include "xlstm/kernels/quantized_linear/quantized_panels.h"

namespace xlstm::kernels {

const PanelKernel<QuantizedLinearArgs>* quantized_panels(const Quantization& format) {
  const PanelKernel<QuantizedLinearArgs>* const panels = quantized_panels_avx512();
  return panels != nullptr ? panels : quantized_panels_avx2(format);
}

}  // namespace xlstm::kernels
