#include <cmath>

#include "xlstm/kernels/head_norm/head_norm.h"

namespace xlstm::kernels {

void head_norm_reference(const float* h, const float* weight, const float* bias, float eps,
                         float* y, std::size_t rows, std::size_t NH, std::size_t DHV) {
  const auto count = static_cast<double>(DHV);
  for (std::size_t head = 0; head < rows * NH; ++head) {
    const float* u = h + head * DHV;
    const std::size_t column = head % NH * DHV;
    double mean = 0;
    for (std::size_t j = 0; j < DHV; ++j) mean += u[j] / count;
    double variance = 0;
    for (std::size_t j = 0; j < DHV; ++j) variance += (u[j] - mean) * (u[j] - mean) / count;
    const double r = 1.0 / std::sqrt(variance + eps);
    for (std::size_t j = 0; j < DHV; ++j) {
      const double shift = bias != nullptr ? bias[column + j] : 0.0F;
      y[head * DHV + j] = static_cast<float>((u[j] - mean) * r * weight[column + j] + shift);
    }
  }
}

}  // namespace xlstm::kernels
