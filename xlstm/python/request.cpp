// What an answer is asked for with: its plain fields, hooks written in Python, and constraints.
#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include "xlstm/grammar/json_constraint.h"
#include "xlstm/grammar/regex_constraint.h"
#include "xlstm/python/arrays.h"
#include "xlstm/python/bind.h"
#include "xlstm/python/handles.h"

namespace xlstm::python {
namespace {

// Immutable: an answer takes a clone.
struct ConstraintHandle {
  std::shared_ptr<const Constraint> constraint;
};

constexpr std::string_view kProcessor = "logits processor";

// processor(tokens [n] int32, logits [V] float32) changes the array that it is given, or returns
// another. Both are copies: Python may keep them.
LogitsProcessor processor_of(nb::object callable) {
  return [callable = SharedObject(std::move(callable))](std::span<const std::int32_t> tokens,
                                                        std::span<float> logits) {
    const nb::gil_scoped_acquire held;
    const nb::object row = numpy_copy(std::span<const float>(logits));
    const nb::object result = (*callable)(numpy_copy(tokens), row);
    copy_floats(result.is_none() ? row : result, logits, kProcessor);
  };
}

void set_processor(Request& request, nb::object callable) {
  request.process_logits = callable.is_none() ? LogitsProcessor() : processor_of(callable);
}

void set_prompt_ids(Request& request, nb::handle ids) {
  request.prompt_ids = ids_of(ids, "prompt_ids");
}

void set_constraint(Request& request, const ConstraintHandle* handle) {
  request.constraint = handle == nullptr ? nullptr : handle->constraint;
}

template <typename Make>
ConstraintHandle make_constraint(const EngineHandle& engine, const Make& make) {
  const nb::gil_scoped_release released;
  return {make(engine.tries())};
}

void bind_constraints(nb::module_& m) {
  nb::class_<ConstraintHandle>(m, "Constraint");
  m.def(
      "regex_constraint",
      [](const EngineHandle& engine, const std::string& pattern) {
        return make_constraint(engine,
                               [&](auto tries) { return regex_constraint(pattern, tries); });
      },
      nb::arg("engine"), nb::arg("pattern"));
  m.def(
      "json_constraint",
      [](const EngineHandle& engine, bool object_only, std::size_t max_depth) {
        return make_constraint(engine, [&](auto tries) {
          return json_constraint({.object_only = object_only, .max_depth = max_depth}, tries);
        });
      },
      nb::arg("engine"), nb::arg("object_only") = true, nb::arg("max_depth") = 64);
  m.def(
      "json_schema_constraint",
      [](const EngineHandle& engine, const std::string& schema) {
        return make_constraint(engine,
                               [&](auto tries) { return json_schema_constraint(schema, tries); });
      },
      nb::arg("engine"), nb::arg("schema"));
}

}  // namespace

void bind_request(nb::module_& m) {
  bind_constraints(m);
  nb::class_<Request>(m, "Request")
      .def(nb::init<>())
      .def_rw("prompt", &Request::prompt)
      .def_prop_rw(
          "prompt_ids", [](const Request& request) { return request.prompt_ids; }, &set_prompt_ids)
      .def_rw("max_tokens", &Request::max_tokens)
      .def_rw("temperature", &Request::temperature)
      .def_rw("top_k", &Request::top_k)
      .def_rw("top_p", &Request::top_p)
      .def_rw("min_p", &Request::min_p)
      .def_rw("repetition_penalty", &Request::repetition_penalty)
      .def_rw("presence_penalty", &Request::presence_penalty)
      .def_rw("frequency_penalty", &Request::frequency_penalty)
      .def_rw("logit_bias", &Request::logit_bias)
      .def_rw("seed", &Request::seed, nb::arg().none())
      .def_rw("stop", &Request::stop)
      .def_rw("add_bos", &Request::add_bos)
      .def_rw("stop_at_end_token", &Request::stop_at_end_token)
      .def_rw("end_tokens", &Request::end_tokens)
      .def_rw("parse_special", &Request::parse_special)
      .def_rw("read_last", &Request::read_last)
      .def_rw("top_log_probabilities", &Request::top_log_probabilities, nb::arg().none())
      .def_prop_rw("process_logits", nullptr, &set_processor, nb::arg().none())
      .def_prop_rw("constraint", nullptr, &set_constraint, nb::arg().none());
}

}  // namespace xlstm::python
