#include <cmath>

#include "xlstm/kernels/elementwise/elementwise.h"

namespace xlstm::kernels {

void add_reference(const float* x, const float* z, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = static_cast<float>(static_cast<double>(x[i]) + static_cast<double>(z[i]));
  }
}

void multiply_reference(const float* x, const float* z, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = static_cast<float>(static_cast<double>(x[i]) * static_cast<double>(z[i]));
  }
}

void sigmoid_reference(const float* x, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(x[i]))));
  }
}

}  // namespace xlstm::kernels
