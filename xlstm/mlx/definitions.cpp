#include "xlstm/mlx/definitions.h"

#include <cmath>

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

namespace {

DeviceArray apply(A x, Activation f) {
  switch (f) {
    case Activation::kSilu:
      return x * sigmoid(x);
    case Activation::kGelu:
      return x * (erf(x / std::sqrt(2.0F)) + 1.0F) * 0.5F;
    case Activation::kRelu:
      return maximum(x, 0.0F);
    case Activation::kRelu2:
      return square(maximum(x, 0.0F));
    case Activation::kSigmoid:
      return sigmoid(x);
    case Activation::kSelu:
      break;
  }
  constexpr float kScale = 1.05070098735548049F, kAlpha = 1.67326324235437728F;
  const DeviceArray below = {mx::expm1(minimum(x, 0.0F).array, x.device), x.device};
  return (maximum(x, 0.0F) + below * kAlpha) * kScale;
}

}  // namespace

DeviceArray activate(A x, Activation f) {
  return as_type(apply(as_type(x, mx::float32), f), x.array.dtype());
}

DeviceArray headwise_linear(A x, A W) {
  const int T = x.axis(0), G = W.axis(0), O = W.axis(1), I = W.axis(2), H = x.axis(1) / I;
  const DeviceArray heads =
      transpose(reshape(as_type(x, W.array.dtype()), {T, 1, H, I}), {1, 2, 0, 3});
  const DeviceArray matrices = swap_last_axes(reshape(W, {G / H, H, O, I}));
  const DeviceArray y = matmul(heads, matrices);  // [G / H, H, T, O]
  return reshape(transpose(y, {2, 0, 1, 3}), {T, G * O});
}

ConvOutput causal_conv1d(A x, A W, A bias, A window) {
  const int S = x.axis(1), K = W.axis(1);
  const DeviceArray u = join({window.array, as_type(x, mx::float32).array}, 1, x.device);
  DeviceArray y = bias;
  for (int j = 0; j < K; ++j) y = y + part(u, 1, j, j + S) * squeeze(part(W, 1, j, j + 1), 1);
  return {y, part(u, 1, S, S + K - 1)};
}

}  // namespace xlstm::mlx
