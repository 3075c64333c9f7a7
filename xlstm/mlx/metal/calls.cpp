#include "xlstm/mlx/metal/calls.h"

#include <algorithm>

#include "xlstm/base/ceil_div.h"

namespace xlstm::mlx::metal {
namespace {

constexpr int kThreads = 256;  // at most, where nothing is shared in a threadgroup, or sums alone

// As kernels/activation/functions.metal has them.
int number_of(Activation f) {
  constexpr auto kNumber = [](Activation of) { return static_cast<int>(of); };
  static_assert(kNumber(Activation::kSilu) == 0 && kNumber(Activation::kGelu) == 1 &&
                kNumber(Activation::kRelu) == 2 && kNumber(Activation::kRelu2) == 3 &&
                kNumber(Activation::kSigmoid) == 4 && kNumber(Activation::kSelu) == 5);
  return kNumber(f);
}

// A thread each.
void launch_values(KernelCall& call, const std::array<int, 3>& values) {
  call.grid = values;
  call.threadgroup = {kThreads, 1, 1};
}

KernelCall elementwise_call(const char* kernel, const mx::array& x) {
  KernelCall call;
  call.kernel = kernel;
  call.inputs = {{"x", x}};
  call.outputs = {{"y", x.shape(), x.dtype()}};
  call.template_args = {{"T", x.dtype()}};
  launch_values(call, {static_cast<int>(x.size()), 1, 1});
  return call;
}

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
  call.launch({ceil_div(B, tile.sequences), NH, 1}, tile.threads);
  return call;
}

KernelCall embed_call(const mx::array& W, const mx::array& ids, mx::Dtype type) {
  const int T = static_cast<int>(ids.size()), D = W.shape(1);
  KernelCall call;
  call.kernel = "embed";
  call.inputs = {{"W", W}, {"ids", ids}};
  call.outputs = {{"y", {T, D}, type}};
  call.template_args = {{"T", type}, {"D", D}};
  launch_values(call, {D, T, 1});
  return call;
}

KernelCall embed_quantized_call(const QuantizedArrays& W, const mx::array& ids, mx::Dtype type) {
  const int T = static_cast<int>(ids.size()), D = W.scales.shape(1) * W.format.group_size;
  KernelCall call;
  call.kernel = "embed_quantized";
  call.inputs = {{"words", W.words},
                 {"scales", W.scales},
                 {"biases", W.biases ? *W.biases : W.scales},
                 {"ids", ids}};
  call.outputs = {{"y", {T, D}, type}};
  call.template_args = {{"T", type},
                        {"D", D},
                        {"BITS", W.format.bits},
                        {"GROUP", W.format.group_size},
                        {"MXFP4", W.format.mode == QuantizationMode::kMxfp4}};
  launch_values(call, {D, T, 1});
  return call;
}

KernelCall gated_call(const mx::array& gate_up, Activation f) {
  const int rows = gate_up.shape(0), F = gate_up.shape(1) / 2;
  KernelCall call;
  call.kernel = "gated";
  call.inputs = {{"gate_up", gate_up}};
  call.outputs = {{"y", {rows, F}, gate_up.dtype()}};
  call.template_args = {{"T", gate_up.dtype()}, {"F", F}, {"FUNCTION", number_of(f)}};
  launch_values(call, {F, rows, 1});
  return call;
}

KernelCall soft_cap_call(const mx::array& x, float cap) {
  KernelCall call = elementwise_call("soft_cap", x);
  call.template_args.emplace_back("CAP", float_bits(cap));
  return call;
}

KernelCall activate_call(const mx::array& x, Activation f) {
  KernelCall call = elementwise_call("activate", x);
  call.template_args.emplace_back("FUNCTION", number_of(f));
  return call;
}

KernelCall head_norm_call(const mx::array& h, const HeadNorm& norm, int NH, float eps) {
  const int rows = h.shape(0), DHV = h.shape(1) / NH;
  const int threads = std::min(round_up(DHV, 32), kThreads);
  KernelCall call;
  call.kernel = "head_norm";
  // A kernel that does not read a bias gets some other array in its place.
  call.inputs = {{"h", h}, {"weight", norm.weight}, {"bias", norm.bias ? *norm.bias : norm.weight}};
  call.outputs = {{"y", h.shape(), norm.weight.dtype()}};
  call.template_args = {{"T", norm.weight.dtype()},
                        {"NH", NH},
                        {"DHV", DHV},
                        {"THREADS", threads},
                        {"EPS", float_bits(eps)},
                        {"BIAS", norm.bias.has_value()}};
  call.launch({NH, rows, 1}, threads);
  return call;
}

KernelCall headwise_call(const mx::array& x, const mx::array& W,
                         const std::optional<mx::array>& bias, int lanes) {
  const int rows = x.shape(0), G = W.shape(0), O = W.shape(1), I = W.shape(2);
  KernelCall call;
  call.kernel = "headwise";
  call.inputs = {{"x", x}, {"W", W}, {"bias", bias ? *bias : W}};
  call.outputs = {{"y", {rows, G * O}, x.dtype()}};
  call.template_args = {{"T", x.dtype()},
                        {"G", G},
                        {"O", O},
                        {"I", I},
                        {"H", x.shape(1) / I},
                        {"LANES", lanes},
                        {"BIAS", bias.has_value()}};
  launch_values(call, {G * O * lanes, rows, 1});
  return call;
}

KernelCall causal_conv1d_call(const mx::array& x, const mx::array& W, const mx::array& bias,
                              const mx::array& window) {
  const int B = window.shape(0), C = W.shape(0);
  KernelCall call;
  call.kernel = "causal_conv1d";
  call.inputs = {{"x", x}, {"W", W}, {"bias", bias}, {"window", window}};
  call.outputs = {{"y", x.shape(), x.dtype()}, {"window_next", window.shape(), mx::float32}};
  call.template_args = {{"T", x.dtype()}, {"C", C}, {"K", W.shape(1)}};
  launch_values(call, {C, x.shape(0) / B, B});
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
