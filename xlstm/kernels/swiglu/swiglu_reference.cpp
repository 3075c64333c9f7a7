#include <cmath>

#include "xlstm/kernels/swiglu/swiglu.h"

namespace xlstm::kernels {

void swiglu_reference(const float* gate_up, float* y, std::size_t rows, std::size_t F) {
  for (std::size_t row = 0; row < rows; ++row) {
    const float* const gate = gate_up + row * 2 * F;
    for (std::size_t j = 0; j < F; ++j) {
      const double g = gate[j], u = gate[F + j];
      y[row * F + j] = static_cast<float>(g / (1 + std::exp(-g)) * u);
    }
  }
}

}  // namespace xlstm::kernels
