// Ids and states -> logits and the next states, of a batch.
#pragma once

#include <nanobind/nanobind.h>

#include "xlstm/python/handles.h"

namespace xlstm::python {

// Reads ids [B, S] (or [S]: B = 1), S >= 1, each row on from its state of states [B], which stay
// where they are. Returns a pair: logits, a numpy array [B, S, V], [B, V] with `last_only`; and the
// list [B] of the states afterwards. Throws Error(kUsage) for ids outside [0, V), for no ids, and
// for states of another engine.
nb::tuple forward(const EngineHandle& handle, nb::handle ids, const nb::list& states,
                  bool last_only);

}  // namespace xlstm::python
