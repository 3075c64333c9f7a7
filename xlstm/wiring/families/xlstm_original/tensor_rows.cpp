#include "xlstm/wiring/families/xlstm_original/tensor_rows.h"

#include <string>

namespace xlstm::xlstm_original {
namespace {

constexpr bool kMayRound = false, kFloat32 = true;  // ParameterRow::keep_float32

const Axis kOne = {{1, kUnit}};

// A parameter that is one tensor of the checkpoint, in the same shape.
ParameterRow row(std::string_view layer, std::string_view name, const Axes& axes, bool keep_float32,
                 std::vector<std::string_view> names, Condition condition = kAlways) {
  return {layer, name, axes, condition, keep_float32, {{std::move(names), axes}}};
}

// One whose parts are of one shape, each of them its rows.
ParameterRow joined(std::string_view layer, std::string_view name, const Axes& axes,
                    bool keep_float32, const Axes& part, std::vector<std::string_view> names,
                    Condition condition = kAlways) {
  ParameterRow out = {layer, name, axes, condition, keep_float32, {}};
  for (const std::string_view each : names) out.parts.push_back({{each}, part});
  return out;
}

std::vector<ParameterRow> outer_rows() {
  return {
      row("embedding", "weight", {kV, kD}, kMayRound, {"token_embedding.weight"}, kVocabulary),
      row("post_norm", "weight", {kD}, kFloat32,
          {"xlstm_block_stack.post_blocks_norm.weight", "post_blocks_norm.weight"}, kPostNorm),
      row("lm_head", "weight", {kV, kD}, kMayRound, {"lm_head.weight"}, kUntiedHead),
  };
}

// A depthwise convolution of Conv1d, [C, 1, K].
ParameterRow taps(std::string_view layer, Dim channels, Dim K, Condition condition = kAlways) {
  return {layer,     "conv.weight", {channels, K},
          condition, kFloat32,      {{{"xlstm.conv1d.conv.weight"}, {channels, kOne, K}}}};
}

std::vector<ParameterRow> mlstm_rows() {
  const Axis k2E = {{2, kE}}, k3E = {{3, kE}}, k2P = {{2, kP}}, k2NH = {{2, kNH}};
  return {
      row("mlstm", "norm.weight", {kD}, kFloat32, {"xlstm_norm.weight"}),
      row("mlstm", "up.weight", {k2E, kD}, kMayRound, {"xlstm.proj_up.weight"}),
      row("mlstm", "up.bias", {k2E}, kMayRound, {"xlstm.proj_up.bias"}, kBias),
      taps("mlstm", kE, kK),
      row("mlstm", "conv.bias", {kE}, kFloat32, {"xlstm.conv1d.conv.bias"}),
      joined("mlstm", "qk.weight", {k2P, kBS, kBS}, kMayRound, {kP, kBS, kBS},
             {"xlstm.q_proj.weight", "xlstm.k_proj.weight"}),
      joined("mlstm", "qk.bias", {k2E}, kMayRound, {kE}, {"xlstm.q_proj.bias", "xlstm.k_proj.bias"},
             kBias),
      row("mlstm", "v.weight", {kP, kBS, kBS}, kMayRound, {"xlstm.v_proj.weight"}),
      row("mlstm", "v.bias", {kE}, kMayRound, {"xlstm.v_proj.bias"}, kBias),
      joined("mlstm", "gates.weight", {k2NH, k3E}, kFloat32, {kNH, k3E},
             {"xlstm.mlstm_cell.igate.weight", "xlstm.mlstm_cell.fgate.weight"}),
      joined("mlstm", "gates.bias", {k2NH}, kFloat32, {kNH},
             {"xlstm.mlstm_cell.igate.bias", "xlstm.mlstm_cell.fgate.bias"}),
      row("mlstm", "head_norm.weight", {kE}, kFloat32, {"xlstm.mlstm_cell.outnorm.weight"}),
      row("mlstm", "skip", {kE}, kFloat32, {"xlstm.learnable_skip"}),
      row("mlstm", "down.weight", {kD, kE}, kMayRound, {"xlstm.proj_down.weight"}),
      row("mlstm", "down.bias", {kD}, kMayRound, {"xlstm.proj_down.bias"}, kBias),
  };
}

// What the package calls fgate makes the input gate, and igate the forget gate: it joins them in
// that order, and its cell reads them as i, f.
std::vector<ParameterRow> slstm_rows() {
  const Axis k2SNH = {{2, kSNH}}, k4D = {{4, kD}}, k2F = {{2, kF}};
  return {
      row("slstm", "norm.weight", {kD}, kFloat32, {"xlstm_norm.weight"}),
      taps("slstm", kD, kSK, kSlstmConv),
      row("slstm", "conv.bias", {kD}, kFloat32, {"xlstm.conv1d.conv.bias"}, kSlstmConv),
      joined("slstm", "gates_if.weight", {k2SNH, kSDH, kSDH}, kMayRound, {kSNH, kSDH, kSDH},
             {"xlstm.fgate.weight", "xlstm.igate.weight"}),
      joined("slstm", "gates_zo.weight", {k2SNH, kSDH, kSDH}, kMayRound, {kSNH, kSDH, kSDH},
             {"xlstm.zgate.weight", "xlstm.ogate.weight"}),
      row("slstm", "cell.R", {kSNH, kR1, kR2}, kMayRound, {"xlstm.slstm_cell._recurrent_kernel_"}),
      row("slstm", "cell.bias", {k4D}, kFloat32, {"xlstm.slstm_cell._bias_"}),
      row("slstm", "group_norm.weight", {kD}, kFloat32, {"xlstm.group_norm.weight"}, kGroupNorm),
      row("ffn", "norm.weight", {kD}, kFloat32, {"ffn_norm.weight"}, kFfn),
      row("ffn", "up.weight", {k2F, kD}, kMayRound, {"ffn.proj_up.weight"}, kFfn),
      row("ffn", "up.bias", {k2F}, kMayRound, {"ffn.proj_up.bias"}, kFfnBias),
      row("ffn", "down.weight", {kD, kF}, kMayRound, {"ffn.proj_down.weight"}, kFfn),
      row("ffn", "down.bias", {kD}, kMayRound, {"ffn.proj_down.bias"}, kFfnBias),
  };
}

std::string foreign_block(std::string_view /*name*/) {
  return "is neither an mLSTM nor an sLSTM block";
}

}  // namespace

const TensorTable& tensor_table() {
  static const TensorTable table = {
      .dims = {"V", "D", "E", "NH", "P", "BS", "K", "SNH", "SDH", "SK", "R1", "R2", "F"},
      .outer = RowList(outer_rows()),
      .block = RowList(mlstm_rows()),
      .wrappers = {"model.", "module.", "_orig_mod."},
      .block_prefixes = {"xlstm_block_stack.blocks.", "blocks."},
      .block_sign = "xlstm.mlstm_cell.",
      .other_block = BlockKind{RowList(slstm_rows()), "xlstm.slstm_cell."},
      .foreign_block = foreign_block,
  };
  return table;
}

}  // namespace xlstm::xlstm_original
