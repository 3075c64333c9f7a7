#include "xlstm/wiring/families/xlstm_large/tensor_rows.h"

#include <string>

namespace xlstm::xlstm_large {
namespace {

std::vector<ParameterRow> outer_rows() {
  return {
      {"embedding",
       "weight",
       {kV, kD},
       kAlways,
       false,
       {{{"backbone.embeddings.weight", "embedding.weight", "backbone.embedding.weight",
          "embeddings.weight"},
         {kV, kD}}}},
      {"out_norm",
       "weight",
       {kD},
       kHasOutNorm,
       true,
       {{{"backbone.out_norm.weight", "out_norm.weight"}, {kD}}}},
      {"out_norm",
       "bias",
       {kD},
       kHasOutNormBias,
       true,
       {{{"backbone.out_norm.bias", "out_norm.bias"}, {kD}}}},
      {"lm_head",
       "weight",
       {kV, kD},
       kUntiedHead,
       false,
       {{{"lm_head.weight", "backbone.lm_head.weight"}, {kV, kD}}}},
  };
}

std::vector<ParameterRow> block_rows() {
  const Axis k2NH = {{2, kNH}}, k2F = {{2, kF}}, kQKVO = {{2, kDQK}, {2, kDV}};
  return {
      {"mlstm", "norm.weight", {kD}, kAlways, true, {{{"norm_mlstm.weight"}, {kD}}}},
      {"mlstm", "norm.bias", {kD}, kUseBias, true, {{{"norm_mlstm.bias"}, {kD}}}},
      {"mlstm",
       "qkvo.weight",
       {kQKVO, kD},
       kAlways,
       false,
       {{{"mlstm_layer.q.weight", "mlstm_layer.query.weight"}, {kDQK, kD}},
        {{"mlstm_layer.k.weight", "mlstm_layer.key.weight"}, {kDQK, kD}},
        {{"mlstm_layer.v.weight", "mlstm_layer.value.weight"}, {kDV, kD}},
        {{"mlstm_layer.ogate_preact.weight"}, {kDV, kD}}},
       {{{"mlstm_layer.qkv_opreact.weight"}, {kQKVO, kD}}}},
      {"mlstm",
       "qkvo.bias",
       {kQKVO},
       kUseBias,
       false,
       {{{"mlstm_layer.q.bias", "mlstm_layer.query.bias"}, {kDQK}},
        {{"mlstm_layer.k.bias", "mlstm_layer.key.bias"}, {kDQK}},
        {{"mlstm_layer.v.bias", "mlstm_layer.value.bias"}, {kDV}},
        {{"mlstm_layer.ogate_preact.bias"}, {kDV}}},
       {{{"mlstm_layer.qkv_opreact.bias"}, {kQKVO}}}},
      {"mlstm",
       "gates.weight",
       {k2NH, kD},
       kAlways,
       true,
       {{{"mlstm_layer.igate_preact.weight"}, {kNH, kD}},
        {{"mlstm_layer.fgate_preact.weight"}, {kNH, kD}}},
       {{{"mlstm_layer.ifgate_preact.weight"}, {k2NH, kD}}}},
      {"mlstm",
       "gates.bias",
       {k2NH},
       kAlways,
       true,
       {{{"mlstm_layer.igate_preact.bias"}, {kNH}}, {{"mlstm_layer.fgate_preact.bias"}, {kNH}}},
       {{{"mlstm_layer.ifgate_preact.bias"}, {k2NH}}}},
      {"mlstm",
       "head_norm.weight",
       {kDV},
       kAlways,
       true,
       {{{"mlstm_layer.multihead_norm.weight"}, {kDV}}}},
      {"mlstm",
       "head_norm.bias",
       {kDV},
       kUseBias,
       true,
       {{{"mlstm_layer.multihead_norm.bias"}, {kDV}}}},
      {"mlstm",
       "out.weight",
       {kD, kDV},
       kAlways,
       false,
       {{{"mlstm_layer.out_proj.weight"}, {kD, kDV}}}},
      {"mlstm", "out.bias", {kD}, kUseBias, false, {{{"mlstm_layer.out_proj.bias"}, {kD}}}},
      {"ffn", "norm.weight", {kD}, kAlways, true, {{{"norm_ffn.weight"}, {kD}}}},
      {"ffn", "norm.bias", {kD}, kUseBias, true, {{{"norm_ffn.bias"}, {kD}}}},
      {"ffn",
       "up.weight",
       {k2F, kD},
       kAlways,
       false,
       {{{"ffn.proj_up_gate.weight"}, {kF, kD}}, {{"ffn.proj_up.weight"}, {kF, kD}}},
       {{{"ffn.proj_up_gate_z.weight"}, {k2F, kD}}}},
      {"ffn",
       "up.bias",
       {k2F},
       kUseBias,
       false,
       {{{"ffn.proj_up_gate.bias"}, {kF}}, {{"ffn.proj_up.bias"}, {kF}}},
       {{{"ffn.proj_up_gate_z.bias"}, {k2F}}}},
      {"ffn", "down.weight", {kD, kF}, kAlways, false, {{{"ffn.proj_down.weight"}, {kD, kF}}}},
      {"ffn", "down.bias", {kD}, kUseBias, false, {{{"ffn.proj_down.bias"}, {kD}}}},
  };
}

std::string foreign_block(std::string_view name) {
  const bool slstm = name.find("slstm") != std::string_view::npos;
  return std::string(slstm ? "is an sLSTM block" : "is of an unknown kind") +
         ", only mLSTM blocks are run yet";
}

std::string_view unexpected_because(std::string_view name) {
  if (name.find("siging") == std::string_view::npos) return "";
  return "the cell with a sigmoid input gate (siging) is not run yet";
}

}  // namespace

const TensorTable& tensor_table() {
  static const TensorTable table = {
      .dims = {"V", "D", "NH", "DQK", "DV", "F"},
      .outer = RowList(outer_rows()),
      .block = RowList(block_rows()),
      .wrappers = {"model.", "module.", "_orig_mod."},
      .block_prefixes = {"backbone.blocks.", "blocks."},
      .block_sign = "mlstm_layer.",
      .foreign_block = foreign_block,
      .unexpected_because = unexpected_because,
  };
  return table;
}

}  // namespace xlstm::xlstm_large
