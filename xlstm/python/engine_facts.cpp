#include "xlstm/python/engine_facts.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/variant.h>

#include <string>
#include <utility>
#include <variant>

#include "xlstm/model/model.h"
#include "xlstm/wiring/plan.h"
#include "xlstm/wiring/views.h"

namespace xlstm::python {
namespace {

nb::object python_value(const decltype(ConstantFact::value)& value) {
  return std::visit(
      [](const auto& known) -> nb::object {
        if constexpr (std::is_same_v<std::decay_t<decltype(known)>, std::monostate>) {
          return nb::none();
        } else {
          return nb::cast(known);
        }
      },
      value);
}

nb::dict sizes(const Plan& plan) {
  nb::dict out;
  for (const SizeFact& fact : plan.sizes) out[fact.name.c_str()] = fact.value;
  return out;
}

nb::dict constants(const Plan& plan) {
  nb::dict out;
  for (const ConstantFact& fact : plan.constants) out[fact.name.c_str()] = python_value(fact.value);
  return out;
}

nb::list layers(const Plan& plan) {
  nb::list out;
  for (const Layer& layer : plan.layers) out.append(nb::make_tuple(layer.name, layer.kind));
  return out;
}

nb::dict facts(const EngineHandle& handle) {
  const Engine& engine = handle.engine();
  const Plan& plan = engine.plan();
  nb::dict out;
  out["name"] = plan.name;
  out["family"] = plan.family;
  out["V"] = plan.V;
  out["sizes"] = sizes(plan);
  out["constants"] = constants(plan);
  out["layers"] = layers(plan);
  out["pad_id"] = plan.pad_id ? nb::cast(*plan.pad_id) : nb::none();
  out["parameters"] = plan.parameter_count();
  out["state_bytes"] = plan.state_bytes();
  out["file_dtype"] = plan.dtypes();
  out["dtype"] = compute_name(engine.model().dtype());
  out["weight_bytes"] = engine.model().weight_bytes();
  out["device"] = engine.model().backend().name();
  out["load_seconds"] = engine.load_seconds();
  return out;
}

nb::dict memory(const EngineHandle& handle) {
  MemoryUse use;
  {
    const nb::gil_scoped_release released;
    use = handle.engine().memory();
  }
  nb::dict out;
  out["active"] = use.active;
  out["peak"] = use.peak;
  out["cache"] = use.cache;
  out["resident"] = use.resident;
  out["peak_resident"] = use.peak_resident;
  out["limit"] = use.limit;
  return out;
}

std::string wiring(const EngineHandle& handle, const std::string& style) {
  const Plan& plan = handle.engine().plan();
  if (style == "unicode") return tree_view(plan, TreeStyle::kUnicode);
  if (style == "ascii") return tree_view(plan, TreeStyle::kAscii);
  if (style == "json") return json_view(plan);
  if (style == "dot") return dot_view(plan);
  fail_wanted(ErrorKind::kUsage, "wiring_style", "unicode, ascii, json or dot", quoted(style));
}

}  // namespace

void bind_engine_facts(nb::class_<EngineHandle>& engine) {
  engine.def("facts", &facts)
      .def("memory", &memory)
      .def("wiring", &wiring, nb::arg("style") = "unicode");
}

}  // namespace xlstm::python
