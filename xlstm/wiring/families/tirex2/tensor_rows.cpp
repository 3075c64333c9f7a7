#include "xlstm/wiring/families/tirex2/tensor_rows.h"

#include <string>
#include <utility>

namespace xlstm::tirex2 {
namespace {

// A parameter that is one tensor of the checkpoint.
ParameterRow single(std::string_view layer, std::string_view name, const Axes& axes,
                    std::vector<std::string_view> names, bool keep_float32,
                    Condition condition = kAlways) {
  return {layer, name, axes, condition, keep_float32, {{std::move(names), axes}}};
}

std::vector<ParameterRow> outer_rows() {
  return {
      single("input", "hidden.weight", {kIF, kI}, {"input_patch_embedding.hidden_layer.weight"},
             false),
      single("input", "hidden.bias", {kIF}, {"input_patch_embedding.hidden_layer.bias"}, false),
      single("input", "output.weight", {kD, kIF}, {"input_patch_embedding.output_layer.weight"},
             false),
      single("input", "output.bias", {kD}, {"input_patch_embedding.output_layer.bias"}, false),
      single("input", "residual.weight", {kD, kI}, {"input_patch_embedding.residual_layer.weight"},
             false),
      single("input", "residual.bias", {kD}, {"input_patch_embedding.residual_layer.bias"}, false),
      single("out_norm", "weight", {kD}, {"stack_out_norm.weight"}, true, kHasOutNorm),
      single("output", "hidden.weight", {kHF, kD}, {"output_patch_embedding.hidden_layer.weight"},
             false),
      single("output", "hidden.bias", {kHF}, {"output_patch_embedding.hidden_layer.bias"}, false),
      single("output", "output.weight", {kJ, kHF}, {"output_patch_embedding.output_layer.weight"},
             false),
      single("output", "output.bias", {kJ}, {"output_patch_embedding.output_layer.bias"}, false),
      single("output", "residual.weight", {kJ, kD},
             {"output_patch_embedding.residual_layer.weight"}, false),
      single("output", "residual.bias", {kJ}, {"output_patch_embedding.residual_layer.bias"},
             false),
  };
}

std::vector<ParameterRow> mlstm_rows() {
  const Axis k2NH = {{2, kNH}}, kQKVO = {{2, kDQK}, {2, kD}};
  return {
      {"time",
       "qkvo.weight",
       {kQKVO, kD},
       kIsMlstm,
       false,
       {{{"time_mixer.fwd_cell.q.weight", "time_mixer.rev_cell.q.weight"}, {kDQK, kD}},
        {{"time_mixer.fwd_cell.k.weight", "time_mixer.rev_cell.k.weight"}, {kDQK, kD}},
        {{"time_mixer.fwd_cell.v.weight", "time_mixer.rev_cell.v.weight"}, {kD, kD}},
        {{"time_mixer.fwd_cell.ogate_preact.weight", "time_mixer.rev_cell.ogate_preact.weight"},
         {kD, kD}}}},
      {"time",
       "gates.weight",
       {k2NH, kD},
       kIsMlstm,
       true,
       {{{"time_mixer.fwd_cell.igate_preact.weight", "time_mixer.rev_cell.igate_preact.weight"},
         {kNH, kD}},
        {{"time_mixer.fwd_cell.fgate_preact.weight", "time_mixer.rev_cell.fgate_preact.weight"},
         {kNH, kD}}}},
      {"time",
       "gates.bias",
       {k2NH},
       kIsMlstm,
       true,
       {{{"time_mixer.fwd_cell.igate_preact.bias", "time_mixer.rev_cell.igate_preact.bias"}, {kNH}},
        {{"time_mixer.fwd_cell.fgate_preact.bias", "time_mixer.rev_cell.fgate_preact.bias"},
         {kNH}}}},
      single("time", "head_norm.weight", {kD},
             {"time_mixer.fwd_cell.multihead_norm.weight",
              "time_mixer.rev_cell.multihead_norm.weight"},
             true, kIsMlstm),
      single("time", "out.weight", {kD, kD},
             {"time_mixer.fwd_cell.out_proj.weight", "time_mixer.rev_cell.out_proj.weight"}, false,
             kIsMlstm),
  };
}

// The tensor called fgate feeds the input gate, and igate the forget gate.
std::vector<ParameterRow> slstm_rows() {
  const Axis k2NS = {{2, kNS}}, k4 = {{4, kUnit}}, k4DH = {{4, kDH}};
  const Axes gate = {kNS, kDH, kDH};
  return {
      {"time",
       "gates_if.weight",
       {k2NS, kDH, kDH},
       kIsSlstm,
       false,
       {{{"time_mixer.fwd_cell.fgate.weight", "time_mixer.rev_cell.fgate.weight"}, gate},
        {{"time_mixer.fwd_cell.igate.weight", "time_mixer.rev_cell.igate.weight"}, gate}}},
      {"time",
       "gates_zo.weight",
       {k2NS, kDH, kDH},
       kIsSlstm,
       false,
       {{{"time_mixer.fwd_cell.zgate.weight", "time_mixer.rev_cell.zgate.weight"}, gate},
        {{"time_mixer.fwd_cell.ogate.weight", "time_mixer.rev_cell.ogate.weight"}, gate}}},
      {"time",
       "recurrent",
       {kNS, kDH, k4DH},
       kIsSlstm,
       false,
       {{{"time_mixer.fwd_cell._recurrent_kernel_", "time_mixer.fwd_cell.recurrent_kernel",
          "time_mixer.rev_cell._recurrent_kernel_", "time_mixer.rev_cell.recurrent_kernel"},
         {kNS, kDH, k4, kDH}}}},
      single("time", "bias", {kNS, k4, kDH},
             {"time_mixer.fwd_cell._bias_", "time_mixer.fwd_cell.bias",
              "time_mixer.rev_cell._bias_", "time_mixer.rev_cell.bias"},
             true, kIsSlstm),
      single("time", "group_norm.weight", {kD},
             {"time_mixer.fwd_cell.group_norm.weight", "time_mixer.rev_cell.group_norm.weight"},
             true, kIsSlstm),
  };
}

std::vector<ParameterRow> block_rows() {
  const Axis k2D = {{2, kD}}, k3D = {{3, kD}}, k4D = {{4, kD}}, k2F = {{2, kF}};
  std::vector<ParameterRow> rows = {
      single("time", "norm.weight", {kD}, {"time_mixer.norm_lstm.weight"}, true),
      single("time", "combination.weight", {kD, k2D}, {"time_mixer.combination.weight"}, false),
      single("ffn", "norm.weight", {kD}, {"time_mixer.norm_ffn.weight"}, true),
      {"ffn",
       "up.weight",
       {k2F, kD},
       kAlways,
       false,
       {{{"time_mixer.ffn.proj_up_gate.weight"}, {kF, kD}},
        {{"time_mixer.ffn.proj_up.weight"}, {kF, kD}}}},
      single("ffn", "down.weight", {kD, kF}, {"time_mixer.ffn.proj_down.weight"}, false),
      single("variate", "norm.weight", {kD}, {"variate_mixer.norm_attn.weight"}, true),
      {"variate",
       "qkv.weight",
       {k3D, kD},
       kAlways,
       false,
       {{{"variate_mixer.attn.WQ.weight"}, {kD, kD}},
        {{"variate_mixer.attn.WK.weight"}, {kD, kD}},
        {{"variate_mixer.attn.WV.weight"}, {kD, kD}}}},
      single("variate", "out.weight", {kD, kD}, {"variate_mixer.attn.WO.weight"}, false),
      single("variate", "ffn_norm.weight", {kD}, {"variate_mixer.norm_ffn.weight"}, true),
      single("variate", "up.weight", {k4D, kD}, {"variate_mixer.ffn.wi.weight"}, false),
      single("variate", "down.weight", {kD, k4D}, {"variate_mixer.ffn.wo.weight"}, false),
  };
  for (std::vector<ParameterRow> more : {mlstm_rows(), slstm_rows()}) {
    rows.insert(rows.end(), more.begin(), more.end());
  }
  return rows;
}

}  // namespace

const TensorTable& tensor_table() {
  static const TensorTable table = {
      .dims = {"D", "DQK", "NH", "NS", "DH", "F", "I", "IF", "HF", "J"},
      .outer = RowList(outer_rows()),
      .block = RowList(block_rows()),
      .wrappers = {"model.", "module.", "_orig_mod."},
      .block_prefixes = {"stack."},
      .block_sign = "time_mixer.",
  };
  return table;
}

}  // namespace xlstm::tirex2
