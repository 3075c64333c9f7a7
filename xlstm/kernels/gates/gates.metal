// Gates in float32, for the texts of other kernels. exp(-inf) must be 0: safe math only.
namespace xlstm {

// log(1 + x), x >= 0: what rounding takes from 1 + x, the factor x / ((1 + x) - 1) gives back.
inline float log_one_plus(float x) {
  const float sum = 1.0f + x;
  return sum == 1.0f ? x : metal::precise::log(sum) * (x / (sum - 1.0f));
}

inline float log_sigmoid(float z) {
  return metal::min(z, 0.0f) - log_one_plus(metal::precise::exp(-metal::abs(z)));
}

inline float sigmoid(float z) {
  return 1.0f / (1.0f + metal::precise::exp(-z));
}

// cap * tanh(z / cap); a cap of 0: z.
inline float soft_cap(float z, float cap) {
  return cap > 0.0f ? cap * metal::precise::tanh(z / cap) : z;
}

}  // namespace xlstm
