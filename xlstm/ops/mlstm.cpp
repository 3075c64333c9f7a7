#include <algorithm>

#include "mlx/ops.h"
#include "xlstm/kernels/mlstm_step/mlstm_step.h"
#include "xlstm/ops/check.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/mlstm_forms.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/thread_pool.h"

namespace xlstm::ops {
namespace {

MlstmOutput mlstm_step_cpu(const MlstmInput& in, const MlstmState& state, const MlstmSizes& s,
                           float eps) {
  kernels::MlstmStepArgs args;
  args.B = static_cast<std::size_t>(s.B);
  args.NH = static_cast<std::size_t>(s.NH);
  args.DHQK = static_cast<std::size_t>(s.DHQK);
  args.DHV = static_cast<std::size_t>(s.DHV);
  args.eps = eps;
  const auto kernel = [args](const CpuBuffers& t) {
    const std::vector<kernels::MlstmStatePointers> states =
        copied_states(t, args.B, args.NH, args.DHQK, args.DHV);
    kernels::mlstm_step(
        thread_pool(), args,
        {t.input(0), t.input(1), t.input(2), t.input(3), t.input(4), states.data(), t.output(0)});
  };
  return mlstm_node("mlstm_step", kernel, in, state, s);
}

}  // namespace

MlstmSizes check_mlstm(std::string_view op, const MlstmInput& in, const MlstmState& state) {
  want_rank(op, "q", in.q, 4);
  want_rank(op, "v", in.v, 4);
  const MlstmSizes s = {in.q.shape(0), in.q.shape(1), in.q.shape(2), in.q.shape(3), in.v.shape(3)};
  want_shape(op, "k", in.k, {s.B, s.S, s.NH, s.DHQK});
  want_shape(op, "v", in.v, {s.B, s.S, s.NH, s.DHV});
  want_shape(op, "i", in.i, {s.B, s.S, s.NH});
  want_shape(op, "f", in.f, {s.B, s.S, s.NH});
  want_shape(op, "C", state.C, {s.B, s.NH, s.DHQK, s.DHV});
  want_shape(op, "n", state.n, {s.B, s.NH, s.DHQK});
  want_shape(op, "m", state.m, {s.B, s.NH});
  want_float(op, "q", in.q);
  want_float(op, "k", in.k);
  want_float(op, "v", in.v);
  for (const auto* a : {&in.i, &in.f, &state.C, &state.n, &state.m})
    want_float32(op, "gates and state", *a);
  return s;
}

std::vector<kernels::MlstmStatePointers> copied_states(const CpuBuffers& t, std::size_t B,
                                                       std::size_t NH, std::size_t DHQK,
                                                       std::size_t DHV) {
  const std::size_t sizes[] = {NH * DHQK * DHV, NH * DHQK, NH};
  for (std::size_t part = 0; part < 3; ++part) {
    if (t.input(5 + part) == t.output(1 + part)) continue;
    std::copy_n(t.input(5 + part), B * sizes[part], t.output(1 + part));
  }
  std::vector<kernels::MlstmStatePointers> states(B);
  for (std::size_t b = 0; b < B; ++b) {
    states[b] = {t.output(1) + b * sizes[0], t.output(2) + b * sizes[1],
                 t.output(3) + b * sizes[2]};
  }
  return states;
}

MlstmOutput mlstm_node(const char* name, CpuKernel kernel, const MlstmInput& in,
                       const MlstmState& state, const MlstmSizes& s) {
  const auto f32 = [](const mx::array& a) { return mx::astype(a, mx::float32); };
  auto out =
      run_on_cpu({name, std::move(kernel), {{5, 1}, {6, 2}, {7, 3}}},
                 {{s.B, s.S, s.NH, s.DHV}, state.C.shape(), state.n.shape(), state.m.shape()},
                 std::vector<mx::Dtype>(4, mx::float32),
                 {f32(in.q), f32(in.k), f32(in.v), in.i, in.f, state.C, state.n, state.m});
  return {out[0], {out[1], out[2], out[3]}};
}

MlstmOutput mlstm_step_definition(const MlstmInput& in, const MlstmState& state, float eps) {
  const MlstmSizes s = check_mlstm("mlstm_step", in, state);
  const auto without_s = [&](const mx::array& a, int last) {
    return mx::reshape(mx::astype(a, mx::float32), {s.B, s.NH, last});
  };
  const mx::array scale(1.0F / std::sqrt(static_cast<float>(s.DHQK)));
  const mx::array q = without_s(in.q, s.DHQK) * scale;               // [B, NH, DHQK]
  const mx::array k = without_s(in.k, s.DHQK);                       // [B, NH, DHQK]
  const mx::array v = without_s(in.v, s.DHV);                        // [B, NH, DHV]
  const mx::array i = mx::reshape(in.i, {s.B, s.NH});                // [B, NH]
  const mx::array lf = log_sigmoid(mx::reshape(in.f, {s.B, s.NH}));  // [B, NH]

  const mx::array m = mx::maximum(lf + state.m, i);                     // [B, NH]
  const mx::array Fa = mx::expand_dims(mx::exp(lf + state.m - m), -1);  // [B, NH, 1]
  const mx::array Ia = mx::expand_dims(mx::exp(i - m), -1);             // [B, NH, 1]
  const mx::array key = Ia * k;
  const mx::array C = mx::expand_dims(Fa, -1) * state.C +  // [B, NH, DHQK, DHV]
                      mx::expand_dims(key, -1) * mx::expand_dims(v, -2);
  const mx::array n = Fa * state.n + key;          // [B, NH, DHQK]
  const mx::array dot = mx::sum(q * n, -1, true);  // [B, NH, 1]
  const mx::array floor = mx::expand_dims(mx::exp(-m), -1);
  const mx::array denominator = mx::maximum(mx::abs(dot), floor) + mx::array(eps);
  const mx::array numerator = mx::squeeze(mx::matmul(mx::expand_dims(q, -2), C), -2);
  return {mx::reshape(numerator / denominator, {s.B, 1, s.NH, s.DHV}), {C, n, m}};
}

MlstmOutput mlstm_step(const MlstmInput& in, const MlstmState& state, float eps) {
  const MlstmSizes s = check_mlstm("mlstm_step", in, state);
  want_shape("mlstm_step", "q", in.q, {s.B, 1, s.NH, s.DHQK});
  return on_cpu() ? mlstm_step_cpu(in, state, s, eps) : mlstm_step_definition(in, state, eps);
}

MlstmOutput mlstm(const MlstmInput& in, const MlstmState& state, float eps) {
  const MlstmSizes s = check_mlstm("mlstm", in, state);
  if (s.S == 0) return {mx::zeros({s.B, 0, s.NH, s.DHV}), state};
  return s.S == 1 ? mlstm_step(in, state, eps) : mlstm_chunk(in, state, eps);
}

}  // namespace xlstm::ops
