#include "xlstm/model/large_block.h"

#include "mlx/ops.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

mx::array linear(const mx::array& x, const Dense& w) {
  return ops::linear(x, w.weight, w.bias);
}

// x [B, S, D] -> what the mLSTM layer adds to it [B, S, D]; moves `state` on by S tokens.
mx::array mlstm_layer(const mx::array& x, const MlstmWeights& w, const LargeDims& d,
                      mx::Dtype activation, ops::MlstmState& state) {
  const int B = x.shape(0), S = x.shape(1);
  const int NH = static_cast<int>(d.NH), DHQK = static_cast<int>(d.DHQK);
  const int DHV = static_cast<int>(d.DHV), QK = NH * DHQK, V = NH * DHV;

  // 1 norm, 2 the four projections in one product, split by columns
  const mx::array a = ops::rms_norm(x, w.norm.weight, w.norm.bias, d.norm_eps);
  const auto qkvo = mx::split(linear(a, w.qkvo), mx::Shape{QK, 2 * QK, 2 * QK + V}, -1);

  // 3 gates in float32, capped after their bias
  const mx::array preact = linear(mx::astype(a, mx::float32), w.gates);  // [B, S, 2 * NH]
  const auto gates = mx::split(ops::soft_cap(preact, d.gate_soft_cap), 2, -1);

  // 4 the cell
  const auto heads = [&](const mx::array& y, int width) {
    return mx::reshape(y, {B, S, NH, width});
  };
  const ops::MlstmInput in = {heads(qkvo[0], DHQK), heads(qkvo[1], DHQK), heads(qkvo[2], DHV),
                              gates[0], gates[1]};
  ops::MlstmOutput cell = ops::mlstm(in, state, d.cell_eps);
  state = std::move(cell.state);

  // 5 norm of each head, 6 output gate, 7 projection back
  const mx::array hn =
      ops::head_norm(cell.h, w.head_norm.weight, w.head_norm.bias, d.norm_eps, activation);
  return linear(mx::sigmoid(qkvo[3]) * hn, w.out);
}

// x [B, S, D] -> what the gated feed-forward layer adds to it [B, S, D].
mx::array ffn(const mx::array& x, const FfnWeights& w, const LargeDims& d) {
  const mx::array z = ops::rms_norm(x, w.norm.weight, w.norm.bias, d.norm_eps);
  return linear(ops::swiglu(linear(z, w.up)), w.down);
}

}  // namespace

mx::array large_block_definition(const mx::array& x, const LargeBlock& block, const LargeDims& dims,
                                 mx::Dtype activation, ops::MlstmState& state) {
  const mx::array y = x + mlstm_layer(x, block.mlstm, dims, activation, state);
  return y + ffn(y, block.ffn, dims);
}

mx::array large_block(const mx::array& x, const LargeBlock& block, const LargeDims& dims,
                      mx::Dtype activation, ops::MlstmState& state) {
  return large_block_definition(x, block, dims, activation, state);
}

}  // namespace xlstm
