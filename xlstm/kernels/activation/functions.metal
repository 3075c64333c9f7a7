// The functions of activation.h in float32, for the texts of other kernels.
#include "xlstm/kernels/gates/gates.metal"

namespace xlstm {

// Abramowitz and Stegun 7.1.26: wrong by at most 1.5e-7.
inline float erf_of(float x) {
  const float size = metal::abs(x), t = 1.0f / (1.0f + 0.3275911f * size);
  const float polynomial =
      t * (0.254829592f +
           t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const float erf = 1.0f - polynomial * metal::precise::exp(-x * x);
  return x < 0.0f ? -erf : erf;
}

// exp(x) - 1, x <= 0: what rounding takes from exp(x), the factor x / log(exp(x)) gives back.
inline float exp_minus_one(float x) {
  const float power = metal::precise::exp(x);
  if (power == 1.0f) return x;
  return power == 0.0f ? -1.0f : (power - 1.0f) * (x / metal::precise::log(power));
}

// F: an Activation (base/activation.h) as a number: SiLU, GELU, ReLU, its square, sigmoid, SELU.
// NaN stays NaN.
template <int F>
inline float activation(float x) {
  if constexpr (F == 0) {
    return x * sigmoid(x);
  } else if constexpr (F == 1) {
    return 0.5f * x * (1.0f + erf_of(x * 0.707106781f));
  } else if constexpr (F == 2) {
    return x < 0.0f ? 0.0f : x;
  } else if constexpr (F == 3) {
    return x < 0.0f ? 0.0f : x * x;
  } else if constexpr (F == 4) {
    return sigmoid(x);
  } else {
    return 1.05070098735548049f * (x > 0.0f ? x : 1.67326324235437728f * exp_minus_one(x));
  }
}

}  // namespace xlstm
