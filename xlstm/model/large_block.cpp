#include "xlstm/model/large_block.h"

#include <utility>

#include "mlx/ops.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

mx::array linear(const mx::array& x, const ops::Dense& w) {
  return ops::linear(x, w.weight, w.bias);
}

kernels::LargeBlockSizes sizes_of(const LargeDims& d) {
  kernels::LargeBlockSizes s;
  s.D = static_cast<std::size_t>(d.D);
  s.NH = static_cast<std::size_t>(d.NH);
  s.DHQK = static_cast<std::size_t>(d.DHQK);
  s.DHV = static_cast<std::size_t>(d.DHV);
  s.F = static_cast<std::size_t>(d.F);
  s.norm_eps = d.norm_eps;
  s.cell_eps = d.cell_eps;
  s.gate_soft_cap = d.gate_soft_cap.value_or(0.0F);
  return s;
}

}  // namespace

mx::array mlstm_inner(const mx::array& qkvo, const mx::array& gates, const ops::Norm& head_norm,
                      const LargeDims& d, ops::MlstmState& state, mx::Dtype activation) {
  const int B = qkvo.shape(0), S = qkvo.shape(1);
  const int NH = static_cast<int>(d.NH), DHQK = static_cast<int>(d.DHQK);
  const int DHV = static_cast<int>(d.DHV), QK = NH * DHQK, V = NH * DHV;
  const auto parts = mx::split(qkvo, mx::Shape{QK, 2 * QK, 2 * QK + V}, -1);    // q, k, v, o-gate
  const auto capped = mx::split(ops::soft_cap(gates, d.gate_soft_cap), 2, -1);  // i, f
  const auto heads = [&](const mx::array& y, int width) {
    return mx::reshape(y, {B, S, NH, width});
  };

  // 4 the cell
  const ops::MlstmInput in = {heads(parts[0], DHQK), heads(parts[1], DHQK), heads(parts[2], DHV),
                              capped[0], capped[1]};
  ops::MlstmOutput cell = ops::mlstm(in, state, d.cell_eps);
  state = std::move(cell.state);

  // 5 norm of each head, 6 output gate
  const mx::array h =
      ops::head_norm(cell.h, head_norm.weight, head_norm.bias, d.norm_eps, activation);
  return mx::sigmoid(parts[3]) * h;
}

LargeBlock::LargeBlock(ops::LargeBlockArrays arrays, const LargeDims& dims, mx::Dtype activation)
    : w_(std::move(arrays)), dims_(dims), activation_(activation) {
  if (ops::on_cpu()) cpu_.emplace(w_, sizes_of(dims));
}

mx::array LargeBlock::operator()(mx::array x, ops::MlstmState& state) const {
  return cpu_ ? (*cpu_)(std::move(x), state) : definition(x, state);
}

// x [B, S, D] -> what the mLSTM layer adds to it [B, S, D]; moves `state` on by S tokens.
mx::array LargeBlock::mlstm_layer(const mx::array& x, ops::MlstmState& state) const {
  // 1 norm, 2 the four projections in one product, 3 gates in float32
  const mx::array a = ops::rms_norm(x, w_.mlstm_norm.weight, w_.mlstm_norm.bias, dims_.norm_eps);
  const mx::array qkvo = linear(a, w_.qkvo);
  const mx::array gates = linear(mx::astype(a, mx::float32), w_.gates);

  // 4 to 6 cell, norm, output gate, 7 projection back
  return linear(mlstm_inner(qkvo, gates, w_.head_norm, dims_, state, activation_), w_.out);
}

// x [B, S, D] -> what the gated feed-forward layer adds to it [B, S, D].
mx::array LargeBlock::ffn(const mx::array& x) const {
  const mx::array z = ops::rms_norm(x, w_.ffn_norm.weight, w_.ffn_norm.bias, dims_.norm_eps);
  return linear(ops::swiglu(linear(z, w_.up)), w_.down);
}

mx::array LargeBlock::definition(const mx::array& x, ops::MlstmState& state) const {
  const mx::array y = x + mlstm_layer(x, state);
  return y + ffn(y);
}

}  // namespace xlstm
