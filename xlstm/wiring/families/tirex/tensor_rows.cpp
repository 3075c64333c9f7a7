#include "xlstm/wiring/families/tirex/tensor_rows.h"

#include <string>

namespace xlstm::tirex {
namespace {

ParameterRow plain(std::string_view layer, std::string_view name, Axes axes, bool keep_float32,
                   std::string_view tensor) {
  return {layer, name, axes, kAlways, keep_float32, {{{tensor}, axes}}};
}

std::vector<ParameterRow> outer_rows() {
  return {
      plain("input", "hidden.weight", {kH, kI}, false, "input_patch_embedding.hidden_layer.weight"),
      plain("input", "hidden.bias", {kH}, true, "input_patch_embedding.hidden_layer.bias"),
      plain("input", "output.weight", {kD, kH}, false, "input_patch_embedding.output_layer.weight"),
      plain("input", "output.bias", {kD}, true, "input_patch_embedding.output_layer.bias"),
      plain("input", "residual.weight", {kD, kI}, false,
            "input_patch_embedding.residual_layer.weight"),
      plain("input", "residual.bias", {kD}, true, "input_patch_embedding.residual_layer.bias"),
      plain("out_norm", "weight", {kD}, true, "out_norm.weight"),
      plain("output", "hidden.weight", {kH, kD}, false,
            "output_patch_embedding.hidden_layer.weight"),
      plain("output", "hidden.bias", {kH}, true, "output_patch_embedding.hidden_layer.bias"),
      plain("output", "output.weight", {kO, kH}, false,
            "output_patch_embedding.output_layer.weight"),
      plain("output", "output.bias", {kO}, true, "output_patch_embedding.output_layer.bias"),
      plain("output", "residual.weight", {kO, kD}, false,
            "output_patch_embedding.residual_layer.weight"),
      plain("output", "residual.bias", {kO}, true, "output_patch_embedding.residual_layer.bias"),
  };
}

std::vector<ParameterRow> block_rows() {
  const Axis k2NH = {{2, kNH}}, k4DH = {{4, kDH}}, k4D = {{4, kD}}, k2F = {{2, kF}};
  const Axes head = {kNH, kDH, kDH};
  return {
      plain("slstm", "norm.weight", {kD}, true, "norm_slstm.weight"),
      {"slstm",
       "gates_if.weight",
       {k2NH, kDH, kDH},
       kAlways,
       false,
       {{{"slstm_layer.fgate.weight"}, head}, {{"slstm_layer.igate.weight"}, head}}},
      {"slstm",
       "gates_zo.weight",
       {k2NH, kDH, kDH},
       kAlways,
       false,
       {{{"slstm_layer.zgate.weight"}, head}, {{"slstm_layer.ogate.weight"}, head}}},
      plain("slstm", "recurrent", {kNH, kDH, k4DH}, true,
            "slstm_layer.slstm_cell._recurrent_kernel_"),
      plain("slstm", "bias", {k4D}, true, "slstm_layer.slstm_cell._bias_"),
      plain("slstm", "group_norm.weight", {kD}, true, "slstm_layer.group_norm.weight"),
      plain("ffn", "norm.weight", {kD}, true, "norm_ffn.weight"),
      {"ffn",
       "up.weight",
       {k2F, kD},
       kAlways,
       false,
       {{{"ffn.proj_up_gate.weight"}, {kF, kD}}, {{"ffn.proj_up.weight"}, {kF, kD}}}},
      plain("ffn", "down.weight", {kD, kF}, false, "ffn.proj_down.weight"),
  };
}

std::string foreign_block(std::string_view /*name*/) {
  return "is no sLSTM block, the only kind that TiRex has";
}

}  // namespace

const TensorTable& tensor_table() {
  static const TensorTable table = {
      .dims = {"D", "NH", "DH", "F", "I", "H", "O"},
      .outer = RowList(outer_rows()),
      .block = RowList(block_rows()),
      // Of a checkpoint's training code, and of compiled modules.
      .wrappers = {"block_stack.", "model.", "module.", "_orig_mod."},
      .block_prefixes = {"blocks."},
      .block_sign = "slstm_layer.",
      .foreign_block = foreign_block,
  };
  return table;
}

}  // namespace xlstm::tirex
