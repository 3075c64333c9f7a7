#include <nlohmann/json.hpp>

#include "xlstm/wiring/view_text.h"
#include "xlstm/wiring/views.h"

namespace xlstm {
namespace {

using Ordered = nlohmann::ordered_json;  // members in the order in which a person reads them

template <typename T>
Ordered or_null(const std::optional<T>& value) {
  return value ? Ordered(*value) : Ordered(nullptr);
}

Ordered cap(const std::optional<float>& value) {
  return value ? Ordered(shortest_double(*value)) : Ordered(nullptr);
}

Ordered dims_json(const LargeDims& d) {
  return {{"V", d.V},
          {"D", d.D},
          {"L", d.L},
          {"NH", d.NH},
          {"DHQK", d.DHQK},
          {"DHV", d.DHV},
          {"F", d.F},
          {"use_bias", d.use_bias},
          {"has_out_norm", d.has_out_norm},
          {"out_norm_bias", d.out_norm_bias},
          {"tied_head", d.tied_head},
          {"norm_float32", d.norm_float32},
          {"norm_eps", shortest_double(d.norm_eps)},
          {"cell_eps", shortest_double(d.cell_eps)},
          {"gate_soft_cap", cap(d.gate_soft_cap)},
          {"output_logit_soft_cap", cap(d.output_logit_soft_cap)},
          {"chunk_size", d.chunk_size}};
}

Ordered packed_json(const PackedSlot& packed) {
  return {{"mode", name_of(packed.format.mode)},
          {"bits", packed.format.bits},
          {"group_size", packed.format.group_size},
          {"scales", name_of(packed.scale_type)}};
}

Ordered node_json(const Node& node) {
  Ordered tensors = Ordered::array();
  for (const Slot& slot : node.slots) {
    tensors.push_back({{"name", slot.name},
                       {"shape", slot.shape},
                       {"sources", slot.sources.size()},
                       {"keep_float32", slot.keep_float32}});
    if (slot.packed) tensors.back()["quantization"] = packed_json(*slot.packed);
  }
  return {{"name", node.name},   {"kind", name_of(node.kind)},
          {"dtype", node.dtype}, {"parameters", node.parameters},
          {"bytes", node.bytes}, {"state_bytes", node.state_bytes},
          {"tensors", tensors}};
}

}  // namespace

std::string json_view(const Plan& plan) {
  Ordered nodes = Ordered::array();
  for (const Node& node : plan.nodes) nodes.push_back(node_json(node));
  const Ordered root = {{"name", printable(plan.name)},      {"family", plan.family},
                        {"dialect", plan.dialect},           {"dims", dims_json(plan.dims)},
                        {"bos_id", or_null(plan.bos_id)},    {"eos_id", or_null(plan.eos_id())},
                        {"eos_ids", plan.eos_ids},           {"pad_id", or_null(plan.pad_id)},
                        {"parameters", plan.parameters()},   {"bytes", plan.bytes()},
                        {"state_bytes", plan.state_bytes()}, {"nodes", nodes}};
  return root.dump(2);
}

}  // namespace xlstm
