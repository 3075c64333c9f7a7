#include "xlstm/mlx/metal/fused_ops.h"

#include <utility>
#include <vector>

#include "xlstm/mlx/metal/calls.h"

namespace xlstm::mlx::metal {

MetalFusedOps::MetalFusedOps(Launcher launch, const Tuning& tuning)
    : launch_(std::move(launch)), tuning_(tuning) {}

std::vector<TuningChoice> MetalFusedOps::tuning_choices() const {
  return {{"step_threads", {128, 256, 512}, tuning_.step_threads, TunedWork::kDecode},
          {"chunk", {32, 64, 128}, tuning_.chunk, TunedWork::kPrefill}};
}

void MetalFusedOps::choose(std::string_view name, int value) {
  (name == "chunk" ? tuning_.chunk : tuning_.step_threads) = value;
}

std::optional<mx::array> MetalFusedOps::embed(A W, A ids, mx::Dtype type) {
  if (ids.array.size() == 0) return {};
  return launch_(embed_call(W.array, ids.array, type)).front();
}

std::optional<mx::array> MetalFusedOps::embed(const QuantizedArrays& W, A ids, mx::Dtype type) {
  if (ids.array.size() == 0) return {};
  return launch_(embed_quantized_call(W, ids.array, type)).front();
}

std::optional<mx::array> MetalFusedOps::gated(A gate_up, Activation f) {
  if (gate_up.array.size() == 0) return {};
  return launch_(gated_call(gate_up.array, f)).front();
}

std::optional<mx::array> MetalFusedOps::soft_cap(A x, float cap) {
  if (x.array.size() == 0) return {};
  return launch_(soft_cap_call(x.array, cap)).front();
}

std::optional<mx::array> MetalFusedOps::head_norm(A h, A weight,
                                                  const std::optional<mx::array>& bias, int NH,
                                                  float eps) {
  if (h.array.size() == 0) return {};
  return launch_(head_norm_call(h.array, {weight.array, bias}, NH, eps)).front();
}

std::optional<mx::array> MetalFusedOps::activate(A x, Activation f) {
  if (x.array.size() == 0) return {};
  return launch_(activate_call(x.array, f)).front();
}

std::optional<mx::array> MetalFusedOps::headwise_linear(A x, A W,
                                                        const std::optional<mx::array>& bias) {
  const auto lanes = headwise_lanes(x.axis(0), W.axis(2));
  if (!lanes || x.array.size() == 0) return {};
  return launch_(headwise_call(x.array, W.array, bias, *lanes)).front();
}

std::optional<ConvOutput> MetalFusedOps::causal_conv1d(A x, A W, A bias, A window) {
  if (W.axis(1) == 1) return {};  // no window
  const std::vector<mx::array> out =
      launch_(causal_conv1d_call(x.array, W.array, bias.array, window.array));
  return ConvOutput{{out[0], x.device}, {out[1], x.device}};
}

std::optional<MixerOutput> MetalFusedOps::mlstm_mixer(A qkvo, A gates, A weight,
                                                      const std::optional<mx::array>& bias,
                                                      const MlstmMixerSpec& spec,
                                                      const MlstmArrays& state) {
  return mlstm({qkvo.array, gates.array, HeadNorm{weight.array, bias}, spec, state});
}

std::optional<MixerOutput> MetalFusedOps::mlstm_cell(const CellInput& in,
                                                     const MlstmMixerSpec& spec,
                                                     const MlstmArrays& state) {
  const mx::Device& device = in.q.device;
  MlstmMixerSpec uncapped = spec;  // its gates are capped
  uncapped.gate_soft_cap.reset();
  return mlstm({join({in.q.array, in.k.array, in.v.array}, 1, device).array,
                join({in.i.array, in.f.array}, 1, device).array, std::nullopt, uncapped, state});
}

std::optional<MixerOutput> MetalFusedOps::mlstm(const MlstmOperands& in) {
  if (in.qkvo.shape(0) == 0) return {};
  const mx::Device& device = in.state.C.device;
  const auto state_of = [&](const std::vector<mx::array>& out, std::size_t first) {
    return MlstmArrays{{out[first], device}, {out[first + 1], device}, {out[first + 2], device}};
  };
  if (in.S() == 1) {
    const auto tile = mlstm_step_tile(in.sizes(), tuning_);
    if (!tile) return {};
    const std::vector<mx::array> out = launch_(mlstm_step_call(in, *tile));
    return MixerOutput{out[0], state_of(out, 1)};
  }
  const auto tile = mlstm_chunk_tile(in.sizes(), tuning_);
  if (!tile) return {};
  const std::vector<mx::array> states = launch_(mlstm_states_call(in, *tile));
  const std::vector<mx::array> y = launch_(mlstm_outputs_call(in, states, *tile));
  return MixerOutput{y[0], state_of(states, 3)};
}

std::optional<SlstmOutput> MetalFusedOps::slstm_scan(A gates_if, A gates_zo, A R, A bias,
                                                     const SlstmArrays& state) {
  const auto tile = slstm_tile(state.y.axis(0), state.y.axis(2), tuning_);
  if (!tile) return {};
  const std::vector<mx::array> out =
      launch_(slstm_scan_call(gates_if.array, gates_zo.array, R.array, bias.array, state, *tile));
  const mx::Device& device = gates_if.device;
  return SlstmOutput{{out[0], device},
                     {{out[1], device}, {out[2], device}, {out[3], device}, {out[4], device}}};
}

std::optional<mx::array> MetalFusedOps::likeliest(A logits, const std::optional<mx::array>& may) {
  if (logits.array.size() == 0) return {};
  return launch_(likeliest_call(logits.array, may)).front();
}

}  // namespace xlstm::mlx::metal
