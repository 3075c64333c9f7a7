#include <cmath>

#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/kernels/mlstm_chunk/mlstm_chunk.h"
#include "xlstm/ops/cpu_primitive.h"
#include "xlstm/ops/mlstm_forms.h"
#include "xlstm/ops/ops.h"
#include "xlstm/ops/thread_pool.h"

namespace xlstm::ops {
namespace {

// One chunk of c tokens, heads before tokens so that the products are batched over [B, NH].
struct Chunk {
  mx::array q;   // [B, NH, c, DHQK], scaled by 1 / sqrt(DHQK)
  mx::array k;   // [B, NH, c, DHQK]
  mx::array v;   // [B, NH, c, DHV]
  mx::array i;   // [B, NH, c]
  mx::array lf;  // [B, NH, c], log_sigmoid(f)
};

// lower triangle, diagonal included: [c, c], true where s <= t
mx::array causal(int c) {
  const mx::array t = mx::arange(c);
  return mx::greater_equal(mx::expand_dims(t, 1), mx::expand_dims(t, 0));
}

// The output of a chunk: what its tokens add to each other, and what they read from the state.
MlstmOutput run_chunk(const Chunk& in, const MlstmState& state, float eps) {
  const int c = in.i.shape(-1);
  const auto column = [](const mx::array& a) { return mx::expand_dims(a, -1); };
  const auto row = [](const mx::array& a) { return mx::expand_dims(a, -2); };
  const mx::array m0 = column(state.m);  // [B, NH, 1]

  // decay up to each token, from the chunk's start: restarted here, so that it stays small
  const mx::array b = mx::cumsum(in.lf, -1);  // [B, NH, c]
  // the recurrence's own m, in closed form
  const mx::array m = b + mx::maximum(m0, mx::cummax(in.i - b, -1));  // [B, NH, c]

  // within the chunk: weight of token s for token t
  const mx::array E = column(b - m) + row(in.i - b);  // [B, NH, c, c]
  const mx::array closed(-INFINITY);
  const mx::array decay = mx::exp(mx::where(causal(c), E, closed));
  const mx::array P = mx::matmul(in.q, mx::swapaxes(in.k, -1, -2)) * decay;

  // from before the chunk
  const mx::array u = column(mx::exp(b + m0 - m));  // [B, NH, c, 1]
  const mx::array numerator = mx::matmul(P, in.v) + u * mx::matmul(in.q, state.C);
  const mx::array dot =
      mx::sum(P, -1, true) + u * mx::matmul(in.q, column(state.n));  // [B, NH, c, 1]
  const mx::array denominator = mx::maximum(mx::abs(dot), column(mx::exp(-m))) + mx::array(eps);
  const mx::array h = numerator / denominator;  // [B, NH, c, DHV]

  // the state after the chunk's last token
  const auto last = [&](const mx::array& a) {
    const int B = a.shape(0), NH = a.shape(1);
    return mx::slice(a, {0, 0, c - 1}, {B, NH, c});  // [B, NH, 1]
  };
  const mx::array b_end = last(b);
  const mx::array m_end = last(m);
  const mx::array key = column(mx::exp(b_end - b + in.i - m_end)) * in.k;  // [B, NH, c, DHQK]
  const mx::array keep = mx::exp(b_end + m0 - m_end);                      // [B, NH, 1]
  const mx::array C = column(keep) * state.C + mx::matmul(mx::swapaxes(key, -1, -2), in.v);
  const mx::array n = keep * state.n + mx::sum(key, -2);
  return {h, {C, n, mx::squeeze(m_end, -1)}};
}

MlstmSizes check_chunk(const MlstmInput& in, const MlstmState& state) {
  const MlstmSizes s = check_mlstm("mlstm_chunk", in, state);
  if (s.S < 1) fail_wanted(ErrorKind::kInternal, "mlstm_chunk", "S >= 1", str(s.S));
  return s;
}

MlstmOutput mlstm_chunk_cpu(const MlstmInput& in, const MlstmState& state, const MlstmSizes& s,
                            float eps) {
  kernels::MlstmChunkArgs args;
  args.B = static_cast<std::size_t>(s.B);
  args.S = static_cast<std::size_t>(s.S);
  args.NH = static_cast<std::size_t>(s.NH);
  args.DHQK = static_cast<std::size_t>(s.DHQK);
  args.DHV = static_cast<std::size_t>(s.DHV);
  args.eps = eps;
  const auto kernel = [args](const CpuBuffers& t) {
    const std::vector<kernels::MlstmStatePointers> states =
        copied_states(t, args.B, args.NH, args.DHQK, args.DHV);
    kernels::mlstm_chunk(
        thread_pool(), args,
        {t.input(0), t.input(1), t.input(2), t.input(3), t.input(4), states.data(), t.output(0)});
  };
  return mlstm_node("mlstm_chunk", kernel, in, state, s);
}

}  // namespace

MlstmOutput mlstm_chunk(const MlstmInput& in, const MlstmState& state, float eps) {
  const MlstmSizes s = check_chunk(in, state);
  return on_cpu() ? mlstm_chunk_cpu(in, state, s, eps) : mlstm_chunk_definition(in, state, eps);
}

MlstmOutput mlstm_chunk_definition(const MlstmInput& in, const MlstmState& state, float eps,
                                   int chunk) {
  const MlstmSizes s = check_chunk(in, state);
  if (chunk < 1) fail_wanted(ErrorKind::kInternal, "mlstm_chunk", "chunk >= 1", str(chunk));
  const auto heads_first = [](const mx::array& a) {
    return mx::swapaxes(mx::astype(a, mx::float32), 1, 2);
  };
  const mx::array scale(1.0F / std::sqrt(static_cast<float>(s.DHQK)));
  const mx::array q = heads_first(in.q) * scale;
  const mx::array k = heads_first(in.k);
  const mx::array v = heads_first(in.v);
  const mx::array i = heads_first(in.i);
  const mx::array lf = log_sigmoid(heads_first(in.f));

  std::vector<mx::array> h;
  MlstmState now = state;
  for (int begin = 0; begin < s.S; begin += chunk) {
    const int end = std::min(begin + chunk, s.S);
    const auto part = [&](const mx::array& a) {
      mx::Shape stop = a.shape();
      stop[2] = end;
      mx::Shape start(a.ndim(), 0);
      start[2] = begin;
      return mx::slice(a, start, stop);
    };
    const MlstmOutput out = run_chunk({part(q), part(k), part(v), part(i), part(lf)}, now, eps);
    h.push_back(out.h);
    now = out.state;
  }
  const mx::array joined = h.size() == 1 ? h[0] : mx::concatenate(h, 2);
  return {mx::swapaxes(joined, 1, 2), now};
}

}  // namespace xlstm::ops
