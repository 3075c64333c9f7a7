#include "xlstm/mlx/metal/calls.h"

namespace xlstm::mlx::metal {
namespace {

constexpr int kThreads = 256;  // where a thread has one value

}  // namespace

KernelCall slstm_scan_call(const mx::array& gates_if, const mx::array& gates_zo, const mx::array& R,
                           const mx::array& bias, const SlstmArrays& state, const SlstmTile& tile) {
  const mx::Shape& shape = state.y.array.shape();  // [B, NH, DH]
  const int B = shape[0], NH = shape[1], DH = shape[2], T = gates_if.shape(0);
  KernelCall call;
  call.kernel = "slstm_scan";
  call.inputs = {{"gates_if", gates_if}, {"gates_zo", gates_zo}, {"R", R},
                 {"bias", bias},         {"y", state.y.array},   {"c", state.c.array},
                 {"n", state.n.array},   {"m", state.m.array},   {"sizes", mx::array({B, T / B})}};
  call.outputs = {{"out", {T, NH * DH}, mx::float32}};
  for (const char* name : {"y_next", "c_next", "n_next", "m_next"}) {
    call.outputs.push_back({name, shape, mx::float32});
  }
  call.template_args = {
      {"NH", NH}, {"DH", DH}, {"SEQUENCES", tile.sequences}, {"THREADS", tile.threads}};
  call.launch({(B + tile.sequences - 1) / tile.sequences, NH, 1}, tile.threads);
  return call;
}

KernelCall embed_call(const mx::array& W, const mx::array& ids, mx::Dtype type) {
  const int T = static_cast<int>(ids.size()), D = W.shape(1);
  KernelCall call;
  call.kernel = "embed";
  call.inputs = {{"W", W}, {"ids", ids}};
  call.outputs = {{"y", {T, D}, type}};
  call.template_args = {{"T", type}, {"D", D}};
  call.grid = {D, T, 1};
  call.threadgroup = {kThreads, 1, 1};
  return call;
}

KernelCall swiglu_call(const mx::array& gate_up) {
  const int rows = gate_up.shape(0), F = gate_up.shape(1) / 2;
  KernelCall call;
  call.kernel = "swiglu";
  call.inputs = {{"gate_up", gate_up}};
  call.outputs = {{"y", {rows, F}, gate_up.dtype()}};
  call.template_args = {{"T", gate_up.dtype()}, {"F", F}};
  call.grid = {F, rows, 1};
  call.threadgroup = {kThreads, 1, 1};
  return call;
}

KernelCall soft_cap_call(const mx::array& x, float cap) {
  KernelCall call;
  call.kernel = "soft_cap";
  call.inputs = {{"x", x}};
  call.outputs = {{"y", x.shape(), x.dtype()}};
  call.template_args = {{"T", x.dtype()}, {"CAP", float_bits(cap)}};
  call.grid = {static_cast<int>(x.size()), 1, 1};
  call.threadgroup = {kThreads, 1, 1};
  return call;
}

KernelCall likeliest_call(const mx::array& logits, const std::optional<mx::array>& may) {
  constexpr int kRowThreads = 512;
  const int B = logits.shape(0), V = logits.shape(1);
  KernelCall call;
  call.kernel = "likeliest";
  // A kernel that does not read `may` gets some other array in its place.
  call.inputs = {{"logits", logits}, {"may", may ? *may : logits}};
  call.outputs = {{"ids", {B}, mx::int32}};
  call.template_args = {{"V", V}, {"MASKED", may.has_value()}, {"THREADS", kRowThreads}};
  call.launch({B, 1, 1}, kRowThreads);
  return call;
}

}  // namespace xlstm::mlx::metal
