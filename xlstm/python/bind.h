// The parts of the module _native, each by the file that has it. Those that use the types of others
// come after them.
#pragma once

#include <nanobind/nanobind.h>

namespace xlstm::python {

void bind_errors();
void bind_arrays(nanobind::module_& m);
void bind_tokenizer(nanobind::module_& m);
void bind_engine(nanobind::module_& m);
void bind_state(nanobind::module_& m);
void bind_request(nanobind::module_& m);
void bind_answers(nanobind::module_& m);
void bind_batch(nanobind::module_& m);
void bind_forecaster(nanobind::module_& m);

}  // namespace xlstm::python
