#include <algorithm>
#include <cmath>
#include <vector>

#include "xlstm/mlx/definitions.h"

namespace xlstm::mlx {
namespace {

float query_scale(A q) {
  return 1.0F / std::sqrt(static_cast<float>(q.axis(-1)));
}

// One chunk of c tokens, heads before tokens so that the products are batched over [B, NH].
struct Chunk {
  DeviceArray q;   // [B, NH, c, DHQK], scaled by 1 / sqrt(DHQK)
  DeviceArray k;   // [B, NH, c, DHQK]
  DeviceArray v;   // [B, NH, c, DHV]
  DeviceArray i;   // [B, NH, c]
  DeviceArray lf;  // [B, NH, c], log_sigmoid(f)
};

// E [B, NH, c, c], but -inf where token s comes after token t.
DeviceArray mask_future(A E) {
  const mx::array t = mx::arange(E.axis(-1), E.device);
  const mx::array past =
      mx::greater_equal(mx::expand_dims(t, 1, E.device), mx::expand_dims(t, 0, E.device), E.device);
  return {mx::where(past, E.array, mx::array(-INFINITY), E.device), E.device};
}

// The output of a chunk: what its tokens add to each other, and what they read from the state.
MlstmOutput run_chunk(const Chunk& in, const MlstmArrays& state, float eps) {
  const int c = in.i.axis(-1);
  const mx::Device& device = in.i.device;
  const DeviceArray m0 = column(state.m);  // [B, NH, 1]

  // decay up to each token, from the chunk's start: restarted here, so that it stays small
  const DeviceArray b = {mx::cumsum(in.lf.array, -1, false, true, device), device};  // [B, NH, c]
  // the recurrence's own m, in closed form
  const DeviceArray largest = {mx::cummax((in.i - b).array, -1, false, true, device), device};
  const DeviceArray m = b + maximum(m0, largest);  // [B, NH, c]

  // within the chunk: weight of token s for token t
  const DeviceArray E = column(b - m) + row(in.i - b);  // [B, NH, c, c]
  const DeviceArray decay = exp(mask_future(E));
  const DeviceArray P = matmul(in.q, swap_last_axes(in.k)) * decay;

  // from before the chunk
  const DeviceArray u = column(exp(b + m0 - m));  // [B, NH, c, 1]
  const DeviceArray numerator = matmul(P, in.v) + u * matmul(in.q, state.C);
  const DeviceArray dot = sum(P, -1, true) + u * matmul(in.q, column(state.n));  // [B, NH, c, 1]
  const DeviceArray denominator = maximum(abs(dot), column(exp(-m))) + eps;
  const DeviceArray h = numerator / denominator;  // [B, NH, c, DHV]

  // the state after the chunk's last token
  const DeviceArray b_end = part(b, 2, c - 1, c);                        // [B, NH, 1]
  const DeviceArray m_end = part(m, 2, c - 1, c);                        // [B, NH, 1]
  const DeviceArray key = column(exp(b_end - b + in.i - m_end)) * in.k;  // [B, NH, c, DHQK]
  const DeviceArray keep = exp(b_end + m0 - m_end);                      // [B, NH, 1]
  const DeviceArray C = column(keep) * state.C + matmul(swap_last_axes(key), in.v);
  return {h, {C, keep * state.n + sum(key, -2), squeeze(m_end, -1)}};
}

}  // namespace

MlstmOutput mlstm_step(const MlstmInput& in, const MlstmArrays& state, float eps) {
  const int B = in.q.axis(0), NH = in.q.axis(2), DHQK = in.q.axis(3), DHV = in.v.axis(3);
  const auto without_s = [&](A a, int last) {
    return reshape(as_type(a, mx::float32), {B, NH, last});
  };
  const DeviceArray q = without_s(in.q, DHQK) * query_scale(in.q);  // [B, NH, DHQK]
  const DeviceArray k = without_s(in.k, DHQK);                      // [B, NH, DHQK]
  const DeviceArray v = without_s(in.v, DHV);                       // [B, NH, DHV]
  const DeviceArray i = reshape(in.i, {B, NH});                     // [B, NH]
  const DeviceArray lf = log_sigmoid(reshape(in.f, {B, NH}));       // [B, NH]

  const DeviceArray m = maximum(lf + state.m, i);                       // [B, NH]
  const DeviceArray keep = column(exp(lf + state.m - m));               // [B, NH, 1]
  const DeviceArray key = column(exp(i - m)) * k;                       // [B, NH, DHQK]
  const DeviceArray C = column(keep) * state.C + column(key) * row(v);  // [B, NH, DHQK, DHV]
  const DeviceArray n = keep * state.n + key;                           // [B, NH, DHQK]
  const DeviceArray dot = sum(q * n, -1, true);                         // [B, NH, 1]
  const DeviceArray denominator = maximum(abs(dot), column(exp(-m))) + eps;
  const DeviceArray numerator = squeeze(matmul(row(q), C), -2);  // [B, NH, DHV]
  return {reshape(numerator / denominator, {B, 1, NH, DHV}), {C, n, m}};
}

MlstmOutput mlstm_chunk(const MlstmInput& in, const MlstmArrays& state, float eps, int chunk) {
  const mx::Device& device = in.q.device;
  const auto heads_first = [](A a) { return swapaxes(as_type(a, mx::float32), 1, 2); };
  const Chunk all = {heads_first(in.q) * query_scale(in.q), heads_first(in.k), heads_first(in.v),
                     heads_first(in.i), log_sigmoid(heads_first(in.f))};
  const int S = in.q.axis(1);
  std::vector<mx::array> h;
  MlstmArrays now = state;
  for (int begin = 0; begin < S; begin += chunk) {
    const int end = std::min(begin + chunk, S);
    MlstmOutput out = run_chunk(
        {part(all.q, 2, begin, end), part(all.k, 2, begin, end), part(all.v, 2, begin, end),
         part(all.i, 2, begin, end), part(all.lf, 2, begin, end)},
        now, eps);
    h.push_back(out.h.array);
    now = out.state;
  }
  const DeviceArray joined = {h.size() == 1 ? h[0] : mx::concatenate(h, 2, device), device};
  return {swapaxes(joined, 1, 2), now};
}

}  // namespace xlstm::mlx
