#include "xlstm/python/answers.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "xlstm/python/bind.h"

namespace xlstm::python {
namespace {

nb::list pairs(const std::vector<TokenProbability>& top) {
  nb::list out;
  for (const TokenProbability& likely : top) {
    out.append(nb::make_tuple(likely.id, likely.log_probability));
  }
  return out;
}

nb::list top_of(const Answer& answer) {
  nb::list out;
  for (const std::vector<TokenProbability>& top : answer.completion().top) out.append(pairs(top));
  return out;
}

nb::dict statistics(const Answer& answer) {
  const Statistics& taken = answer.completion().statistics;
  nb::dict out;
  out["prompt_tokens"] = taken.prompt_tokens;
  out["generated_tokens"] = taken.generated_tokens;
  out["prefill_seconds"] = taken.prefill_seconds;
  out["decode_seconds"] = taken.decode_seconds;
  out["first_token_seconds"] = taken.first_token_seconds;
  out["prefill_tokens_per_second"] = taken.prefill_tokens_per_second();
  out["decode_tokens_per_second"] = taken.decode_tokens_per_second();
  out["peak_bytes"] = taken.peak_bytes;
  out["bytes_per_token"] = taken.bytes_per_token;
  return out;
}

}  // namespace

void bind_answers(nb::module_& m) {
  nb::class_<TokenRecord>(m, "TokenRecord")
      .def_ro("row", &TokenRecord::row)
      .def_ro("id", &TokenRecord::id)
      .def_ro("text", &TokenRecord::text)
      .def_ro("log_probability", &TokenRecord::log_probability)
      .def_prop_ro("top", [](const TokenRecord& record) { return pairs(record.top); });
  nb::class_<Answer>(m, "Answer")
      .def_prop_ro("row", &Answer::row)
      .def_prop_ro("has_failed", &Answer::has_failed)
      .def("raise_error", &Answer::raise_error)
      .def("state", &Answer::state)
      .def_prop_ro("text", [](const Answer& answer) { return answer.completion().text; })
      .def_prop_ro("tokens", [](const Answer& answer) { return answer.completion().tokens; })
      .def_prop_ro("log_probabilities",
                   [](const Answer& answer) { return answer.completion().log_probabilities; })
      .def_prop_ro("top", &top_of)
      .def_prop_ro("stop_reason",
                   [](const Answer& answer) { return name_of(answer.completion().stop_reason); })
      .def_prop_ro("prompt_tokens",
                   [](const Answer& answer) { return answer.completion().prompt_tokens; })
      .def_prop_ro("seed", [](const Answer& answer) { return answer.completion().seed; })
      .def_prop_ro("statistics", &statistics);
}

}  // namespace xlstm::python
