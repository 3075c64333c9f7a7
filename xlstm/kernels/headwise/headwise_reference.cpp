#include <cstdint>

#include "xlstm/base/dtype.h"
#include "xlstm/kernels/headwise/headwise.h"

namespace xlstm::kernels {

void headwise_reference(const HeadwiseWeights& w, const float* x, float* y, std::size_t M) {
  const auto weight = [&w](std::size_t at) -> double {
    return w.type == WeightType::kF32 ? static_cast<const float*>(w.W)[at]
                                      : float_from_bf16(static_cast<const std::uint16_t*>(w.W)[at]);
  };
  for (std::size_t m = 0; m < M; ++m) {
    for (std::size_t n = 0; n < w.G * w.O; ++n) {
      const float* const head = x + m * w.H * w.I + n / w.O % w.H * w.I;
      double sum = w.bias != nullptr ? w.bias[n] : 0.0F;
      for (std::size_t d = 0; d < w.I; ++d) sum += head[d] * weight(n * w.I + d);
      y[m * w.G * w.O + n] = static_cast<float>(sum);
    }
  }
}

}  // namespace xlstm::kernels
