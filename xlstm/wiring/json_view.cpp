#include <nlohmann/json.hpp>
#include <variant>

#include "xlstm/wiring/view_text.h"
#include "xlstm/wiring/views.h"

namespace xlstm {
namespace {

using Ordered = nlohmann::ordered_json;  // members in the order in which a person reads them

template <typename T>
Ordered or_null(const std::optional<T>& value) {
  return value ? Ordered(*value) : Ordered(nullptr);
}

Ordered value_json(const ConstantFact& fact) {
  struct Value {
    Ordered operator()(std::monostate) const { return nullptr; }
    Ordered operator()(bool value) const { return value; }
    Ordered operator()(std::int64_t value) const { return value; }
    Ordered operator()(float value) const { return shortest_double(value); }
  };
  return std::visit(Value{}, fact.value);
}

Ordered facts_json(const Plan& plan) {
  Ordered out = Ordered::object();
  for (const SizeFact& size : plan.sizes) out[size.name] = size.value;
  for (const ConstantFact& fact : plan.constants) out[fact.name] = value_json(fact);
  return out;
}

Ordered packed_json(const PackedParameter& packed) {
  return {{"mode", name_of(packed.format.mode)},
          {"bits", packed.format.bits},
          {"group_size", packed.format.group_size},
          {"scales", name_of(packed.scale_type)}};
}

Ordered layer_json(const Layer& layer) {
  Ordered tensors = Ordered::array();
  for (const Parameter& parameter : layer.parameters) {
    tensors.push_back({{"name", parameter.name},
                       {"shape", parameter.shape},
                       {"sources", parameter.sources.size()},
                       {"keep_float32", parameter.keep_float32}});
    if (parameter.packed) tensors.back()["quantization"] = packed_json(*parameter.packed);
  }
  return {{"name", layer.name},   {"kind", layer.kind},
          {"dtype", layer.dtype}, {"parameters", layer.parameter_count},
          {"bytes", layer.bytes}, {"state_bytes", layer.state_bytes()},
          {"tensors", tensors}};
}

}  // namespace

std::string json_view(const Plan& plan) {
  Ordered layers = Ordered::array();
  for (const Layer& layer : plan.layers) layers.push_back(layer_json(layer));
  const Ordered root = {{"name", printable(plan.name)},
                        {"family", plan.family},
                        {"dialect", plan.dialect},
                        {"dims", facts_json(plan)},
                        {"bos_id", or_null(plan.bos_id)},
                        {"eos_id", or_null(plan.eos_id())},
                        {"eos_ids", plan.eos_ids},
                        {"pad_id", or_null(plan.pad_id)},
                        {"parameters", plan.parameter_count()},
                        {"bytes", plan.bytes()},
                        {"state_bytes", plan.state_bytes()},
                        {"nodes", layers}};
  return root.dump(2);
}

}  // namespace xlstm
