// What an engine says of its model and of its memory.
#pragma once

#include <nanobind/nanobind.h>

#include "xlstm/python/handles.h"

namespace xlstm::python {

void bind_engine_facts(nb::class_<EngineHandle>& engine);

}  // namespace xlstm::python
