#include <algorithm>
#include <cmath>

#include "xlstm/kernels/gates/gates.h"

namespace xlstm::kernels {

void soft_cap_reference(const float* z, const float* bias, float cap, float* out, std::size_t rows,
                        std::size_t NH) {
  for (std::size_t i = 0; i < rows * NH; ++i) {
    const double preact = static_cast<double>(z[i]) + (bias != nullptr ? bias[i % NH] : 0.0F);
    const double c = cap;
    out[i] = static_cast<float>(c > 0 ? c * std::tanh(preact / c) : preact);
  }
}

double log_sigmoid_reference(double z) {
  return std::min(z, 0.0) - std::log1p(std::exp(-std::abs(z)));
}

}  // namespace xlstm::kernels
