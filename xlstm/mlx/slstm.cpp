#include <vector>

#include "xlstm/mlx/definitions.h"

namespace xlstm::mlx {
namespace {

// One token of all sequences, heads first so that the products are batched over them.
// raw [NH, B, 4, DH]: the gates' pre-activations i, f, z, o; state [NH, B, DH] each.
SlstmArrays step(A raw, const SlstmArrays& before) {
  const auto gate = [&](int g) { return squeeze(part(raw, 2, g, g + 1), 2); };
  const DeviceArray i = gate(0), z = tanh(gate(2)), o = sigmoid(gate(3));
  const DeviceArray lfm = before.m + log_sigmoid(gate(1));
  const mx::array none(0.0F);
  const mx::array fresh = mx::equal(before.n.array, none, raw.device);  // nothing was read yet

  const DeviceArray m = where(fresh, i, maximum(i, lfm));
  const DeviceArray I = exp(i - m);
  const DeviceArray F = where(fresh, 0.0F, exp(lfm - m));
  const DeviceArray c = F * before.c + I * z;
  const DeviceArray n = maximum(F * before.n + I, 1.0F);
  return {o * c / n, c, n, m};
}

}  // namespace

SlstmOutput slstm_scan(A gates_if, A gates_zo, A R, A bias, const SlstmArrays& state) {
  const int B = gates_if.axis(0), S = gates_if.axis(1), NH = R.axis(0), DH = R.axis(1);
  const auto two_gates = [&](A x) {
    return reshape(as_type(x, mx::float32), {B, S, 2, NH, DH}).array;
  };
  const DeviceArray Wx = transpose(join({two_gates(gates_if), two_gates(gates_zo)}, 2, R.device),
                                   {1, 3, 0, 2, 4});  // [S, NH, B, 4, DH]
  const DeviceArray b = reshape(bias, {NH, 1, 4, DH});
  const DeviceArray matrices = as_type(R, mx::float32);
  const auto heads_first = [](A x) { return swapaxes(x, 0, 1); };  // and back

  SlstmArrays now = {heads_first(state.y), heads_first(state.c), heads_first(state.n),
                     heads_first(state.m)};
  std::vector<mx::array> outputs;  // of each token [NH, B, DH]
  for (int s = 0; s < S; ++s) {
    const DeviceArray Ry = reshape(matmul(now.y, matrices), {NH, B, 4, DH});
    now = step(squeeze(part(Wx, 0, s, s + 1), 0) + Ry + b, now);
    outputs.push_back(now.y.array);
  }
  const DeviceArray y = {mx::stack(outputs, 0, R.device), R.device};  // [S, NH, B, DH]
  return {reshape(transpose(y, {2, 0, 1, 3}), {B, S, NH * DH}),
          {heads_first(now.y), heads_first(now.c), heads_first(now.n), heads_first(now.m)}};
}

}  // namespace xlstm::mlx
