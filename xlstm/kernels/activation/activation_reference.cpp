#include <cmath>

#include "xlstm/kernels/activation/activation.h"

namespace xlstm::kernels {
namespace {

double selu(double x) {
  constexpr double kScale = 1.0507009873554804934, kAlpha = 1.6732632423543772848;
  return kScale * (x > 0 ? x : kAlpha * std::expm1(x));
}

double value_of(Activation f, double x) {
  switch (f) {
    case Activation::kSilu:
      return x / (1 + std::exp(-x));
    case Activation::kGelu:
      return x * std::erfc(-x / std::sqrt(2.0)) / 2;
    case Activation::kRelu:
      return x < 0 ? 0 : x;
    case Activation::kRelu2:
      return x < 0 ? 0 : x * x;
    case Activation::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::kSelu:
      return selu(x);
  }
  return x;
}

}  // namespace

void activate_reference(Activation f, const float* x, float* y, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    y[i] = static_cast<float>(value_of(f, static_cast<double>(x[i])));
  }
}

void gated_reference(Activation f, const float* gate_up, float* y, std::size_t rows,
                     std::size_t F) {
  for (std::size_t row = 0; row < rows; ++row) {
    const float* const gate = gate_up + row * 2 * F;
    for (std::size_t j = 0; j < F; ++j) {
      const double g = gate[j], u = gate[F + j];
      y[row * F + j] = static_cast<float>(value_of(f, g) * u);
    }
  }
}

}  // namespace xlstm::kernels
