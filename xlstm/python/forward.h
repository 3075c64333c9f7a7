// Ids and states -> logits and the next states, of a batch.
#pragma once

#include <nanobind/nanobind.h>

#include <optional>

#include "xlstm/python/handles.h"

namespace xlstm::python {

// Reads ids [B, S] (or [S]: B = 1), S >= 1, each row on from its state of states [B] (none: from
// the start), which stay where they are. Returns a pair: logits, float32, [B, S, V] or, with
// `last_only`, [B, V], without the axis B for ids [S]; and the list [B] of the states afterwards.
// The logits are an mlx.core.array with `as_mlx`, else numpy's. Throws Error(kUsage) for ids
// outside [0, V), for no ids, and for states of another engine.
nb::tuple forward(const EngineHandle& handle, nb::handle ids, const std::optional<nb::list>& states,
                  bool last_only, bool as_mlx);

}  // namespace xlstm::python
