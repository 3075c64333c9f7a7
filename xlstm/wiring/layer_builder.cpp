#include "xlstm/wiring/layer_builder.h"

#include <set>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

constexpr std::size_t kNone = TensorSource::npos;

bool is_fused(const RowList& rows, const TensorsByEntry& by_entry, std::size_t index) {
  const ParameterRow& row = rows.rows()[index];
  return row.fused && by_entry[rows.first(index) + row.parts.size()] != kNone;
}

std::vector<std::size_t> sources_of(const RowList& rows, const TensorsByEntry& by_entry,
                                    std::size_t index) {
  const std::size_t first = rows.first(index);
  const std::size_t parts = rows.rows()[index].parts.size();
  if (is_fused(rows, by_entry, index)) return {by_entry[first + parts]};
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < parts; ++i) out.push_back(by_entry[first + i]);
  return out;
}

// How a layer's weights are stored, the quantised ones first.
struct Formats {
  std::set<std::string> quantised;
  std::set<DType> plain;

  std::string text() const {
    std::string out;
    const auto add = [&out](std::string_view name) { out += str(out.empty() ? "" : "+", name); };
    for (const std::string& name : quantised) add(name);
    for (const DType dtype : plain) add(name_of(dtype));
    return out;
  }
};

class LayerBuilder {
 public:
  LayerBuilder(const Binding& binding, std::string name, std::string kind) : binding_(binding) {
    layer_.name = std::move(name);
    layer_.kind = std::move(kind);
  }

  // The parameters of the rows whose layer is `of`.
  Layer build(const RowList& rows, const TensorsByEntry& by_entry, const Conditions& conditions,
              std::string_view of) {
    for (std::size_t index = 0; index < rows.rows().size(); ++index) {
      const ParameterRow& row = rows.rows()[index];
      if (row.layer != of || !conditions[row.condition]) continue;
      add(row, sources_of(rows, by_entry, index));
    }
    layer_.dtype = formats_.text();
    return std::move(layer_);
  }

 private:
  void add(const ParameterRow& row, const std::vector<std::size_t>& tensors) {
    Parameter parameter = {
        str(layer_.name, ".", row.name), shape_of(row.axes, binding_.dims), {}, row.keep_float32};
    for (const std::size_t tensor : tensors) add_source(tensor, parameter);
    layer_.parameter_count +=
        static_cast<std::uint64_t>(element_count(parameter.shape).value_or(0));
    layer_.parameters.push_back(std::move(parameter));
  }

  // All or none of a parameter's tensors are quantised.
  void add_source(std::size_t tensor, Parameter& parameter) {
    const TensorInfo& info = binding_.source.tensors()[tensor];
    const PackedTensors* packed = binding_.source.packed(tensor);
    layer_.bytes += info.bytes;
    parameter.sources.push_back(binding_.source.origin(tensor));
    if (packed == nullptr) {
      formats_.plain.insert(info.dtype);
      return;
    }
    formats_.quantised.insert(short_name(packed->format));
    if (!parameter.packed) {
      parameter.packed = PackedParameter{packed->format, packed->scale_type, {}, {}};
    }
    parameter.packed->scales.push_back(packed->scales);
    if (packed->biases != kNone) parameter.packed->biases.push_back(packed->biases);
  }

  const Binding& binding_;
  Layer layer_;
  Formats formats_;
};

}  // namespace

Layer outer_layer(const Binding& binding, std::string_view name, std::string kind) {
  return LayerBuilder(binding, std::string(name), std::move(kind))
      .build(binding.table.outer, binding.tensors.outer, binding.conditions, name);
}

Layer block_layer(const Binding& binding, std::uint64_t number, std::string_view name,
                  std::string kind) {
  const BlockTensors& block = binding.tensors.blocks.at(number);
  return LayerBuilder(binding, str("blocks.", number, ".", name), std::move(kind))
      .build(*block.rows, block.by_entry, binding.conditions_of(number), name);
}

bool any_fused(const Binding& binding) {
  for (const auto& [number, block] : binding.tensors.blocks) {
    for (std::size_t index = 0; index < block.rows->rows().size(); ++index) {
      if (is_fused(*block.rows, block.by_entry, index)) return true;
    }
  }
  return false;
}

const std::string& first_name(const Binding& binding) {
  return binding.source.tensors()[binding.tensors.outer.front()].name;
}

}  // namespace xlstm
