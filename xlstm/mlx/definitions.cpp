#include "xlstm/mlx/definitions.h"

namespace xlstm::mlx {

DeviceArray rms_norm(A x, A weight, float eps) {
  const DeviceArray u = as_type(x, mx::float32);
  const DeviceArray r = rsqrt(mean(square(u), -1, true) + eps);
  return as_type(u * r, x.array.dtype()) * weight;
}

DeviceArray head_norm(A h, A weight, int NH, float eps) {
  const int T = h.axis(0), V = h.axis(1);
  const DeviceArray u = reshape(as_type(h, mx::float32), {T, NH, V / NH});
  const DeviceArray centred = u - mean(u, -1, true);
  const DeviceArray r = rsqrt(mean(square(centred), -1, true) + eps);
  return reshape(as_type(centred * r, weight.array.dtype()), {T, V}) * weight;
}

DeviceArray soft_cap(A z, std::optional<float> cap) {
  return cap ? tanh(z / *cap) * *cap : z;
}

DeviceArray log_sigmoid(A z) {
  return minimum(z, 0.0F) - log1p(exp(-abs(z)));
}

DeviceArray swiglu(A gate_up) {
  const int F = gate_up.axis(-1) / 2;
  const DeviceArray gate = part(gate_up, 1, 0, F);
  return gate * sigmoid(gate) * part(gate_up, 1, F, 2 * F);
}

}  // namespace xlstm::mlx
