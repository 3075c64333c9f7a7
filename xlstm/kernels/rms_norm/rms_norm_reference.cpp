#include <cmath>

#include "xlstm/kernels/rms_norm/rms_norm.h"

namespace xlstm::kernels {

void rms_norm_reference(const float* x, const float* weight, const float* bias, float eps, float* y,
                        std::size_t rows, std::size_t D) {
  for (std::size_t row = 0; row < rows; ++row) {
    const float* u = x + row * D;
    double squares = 0;
    for (std::size_t j = 0; j < D; ++j) squares += static_cast<double>(u[j]) * u[j];
    const double r = 1.0 / std::sqrt(squares / static_cast<double>(D) + eps);
    for (std::size_t j = 0; j < D; ++j) {
      y[row * D + j] =
          static_cast<float>(u[j] * r * weight[j] + (bias != nullptr ? bias[j] : 0.0F));
    }
  }
}

}  // namespace xlstm::kernels
