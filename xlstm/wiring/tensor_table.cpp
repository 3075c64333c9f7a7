#include "xlstm/wiring/tensor_table.h"

namespace xlstm {

std::string_view text_of(Axis axis) {
  switch (axis) {
    case Axis::kV:
      return "V";
    case Axis::kD:
      return "D";
    case Axis::kNH:
      return "NH";
    case Axis::kDQK:
      return "DQK";
    case Axis::kDV:
      return "DV";
    case Axis::kF:
      return "F";
    case Axis::k2NH:
      return "2*NH";
    case Axis::k2F:
      return "2*F";
    case Axis::kQKVO:
      return "2*DQK + 2*DV";
  }
  return "?";
}

std::int64_t length_of(Axis axis, const Widths& w) {
  switch (axis) {
    case Axis::kV:
      return w.V;
    case Axis::kD:
      return w.D;
    case Axis::kNH:
      return w.NH;
    case Axis::kDQK:
      return w.DQK;
    case Axis::kDV:
      return w.DV;
    case Axis::kF:
      return w.F;
    case Axis::k2NH:
      return 2 * w.NH;
    case Axis::k2F:
      return 2 * w.F;
    case Axis::kQKVO:
      return w.DQK > 0 && w.DV > 0 ? 2 * w.DQK + 2 * w.DV : 0;
  }
  return 0;
}

Shape shape_of(const std::vector<Axis>& axes, const Widths& widths) {
  Shape shape;
  for (const Axis axis : axes) shape.push_back(length_of(axis, widths));
  return shape;
}

std::string text_of(const std::vector<Axis>& axes) {
  std::string text = "[";
  for (const Axis axis : axes) {
    if (text.size() > 1) text += ", ";
    text += text_of(axis);
  }
  return text + "]";
}

const std::vector<SlotRow>& outer_slots() {
  using enum Axis;
  static const std::vector<SlotRow> rows = {
      {NodeKind::kEmbedding,
       "weight",
       {kV, kD},
       When::kAlways,
       false,
       {{{"backbone.embeddings.weight", "embedding.weight", "backbone.embedding.weight",
          "embeddings.weight"},
         {kV, kD}}}},
      {NodeKind::kOutNorm,
       "weight",
       {kD},
       When::kHasOutNorm,
       true,
       {{{"backbone.out_norm.weight", "out_norm.weight"}, {kD}}}},
      {NodeKind::kOutNorm,
       "bias",
       {kD},
       When::kHasOutNormBias,
       true,
       {{{"backbone.out_norm.bias", "out_norm.bias"}, {kD}}}},
      {NodeKind::kLmHead,
       "weight",
       {kV, kD},
       When::kUntiedHead,
       false,
       {{{"lm_head.weight", "backbone.lm_head.weight"}, {kV, kD}}}},
  };
  return rows;
}

const std::vector<SlotRow>& block_slots() {
  using enum Axis;
  using enum NodeKind;
  using enum When;
  static const std::vector<SlotRow> rows = {
      {kMlstm, "norm.weight", {kD}, kAlways, true, {{{"norm_mlstm.weight"}, {kD}}}},
      {kMlstm, "norm.bias", {kD}, kUseBias, true, {{{"norm_mlstm.bias"}, {kD}}}},
      {kMlstm,
       "qkvo.weight",
       {kQKVO, kD},
       kAlways,
       false,
       {{{"mlstm_layer.q.weight", "mlstm_layer.query.weight"}, {kDQK, kD}},
        {{"mlstm_layer.k.weight", "mlstm_layer.key.weight"}, {kDQK, kD}},
        {{"mlstm_layer.v.weight", "mlstm_layer.value.weight"}, {kDV, kD}},
        {{"mlstm_layer.ogate_preact.weight"}, {kDV, kD}}},
       {{{"mlstm_layer.qkv_opreact.weight"}, {kQKVO, kD}}}},
      {kMlstm,
       "qkvo.bias",
       {kQKVO},
       kUseBias,
       false,
       {{{"mlstm_layer.q.bias", "mlstm_layer.query.bias"}, {kDQK}},
        {{"mlstm_layer.k.bias", "mlstm_layer.key.bias"}, {kDQK}},
        {{"mlstm_layer.v.bias", "mlstm_layer.value.bias"}, {kDV}},
        {{"mlstm_layer.ogate_preact.bias"}, {kDV}}},
       {{{"mlstm_layer.qkv_opreact.bias"}, {kQKVO}}}},
      {kMlstm,
       "gates.weight",
       {k2NH, kD},
       kAlways,
       true,
       {{{"mlstm_layer.igate_preact.weight"}, {kNH, kD}},
        {{"mlstm_layer.fgate_preact.weight"}, {kNH, kD}}},
       {{{"mlstm_layer.ifgate_preact.weight"}, {k2NH, kD}}}},
      {kMlstm,
       "gates.bias",
       {k2NH},
       kAlways,
       true,
       {{{"mlstm_layer.igate_preact.bias"}, {kNH}}, {{"mlstm_layer.fgate_preact.bias"}, {kNH}}},
       {{{"mlstm_layer.ifgate_preact.bias"}, {k2NH}}}},
      {kMlstm,
       "head_norm.weight",
       {kDV},
       kAlways,
       true,
       {{{"mlstm_layer.multihead_norm.weight"}, {kDV}}}},
      {kMlstm,
       "head_norm.bias",
       {kDV},
       kUseBias,
       true,
       {{{"mlstm_layer.multihead_norm.bias"}, {kDV}}}},
      {kMlstm,
       "out.weight",
       {kD, kDV},
       kAlways,
       false,
       {{{"mlstm_layer.out_proj.weight"}, {kD, kDV}}}},
      {kMlstm, "out.bias", {kD}, kUseBias, false, {{{"mlstm_layer.out_proj.bias"}, {kD}}}},
      {kFfn, "norm.weight", {kD}, kAlways, true, {{{"norm_ffn.weight"}, {kD}}}},
      {kFfn, "norm.bias", {kD}, kUseBias, true, {{{"norm_ffn.bias"}, {kD}}}},
      {kFfn,
       "up.weight",
       {k2F, kD},
       kAlways,
       false,
       {{{"ffn.proj_up_gate.weight"}, {kF, kD}}, {{"ffn.proj_up.weight"}, {kF, kD}}},
       {{{"ffn.proj_up_gate_z.weight"}, {k2F, kD}}}},
      {kFfn,
       "up.bias",
       {k2F},
       kUseBias,
       false,
       {{{"ffn.proj_up_gate.bias"}, {kF}}, {{"ffn.proj_up.bias"}, {kF}}},
       {{{"ffn.proj_up_gate_z.bias"}, {k2F}}}},
      {kFfn, "down.weight", {kD, kF}, kAlways, false, {{{"ffn.proj_down.weight"}, {kD, kF}}}},
      {kFfn, "down.bias", {kD}, kUseBias, false, {{{"ffn.proj_down.bias"}, {kD}}}},
  };
  return rows;
}

}  // namespace xlstm
