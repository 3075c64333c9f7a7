// mlx.core.array, where the installed mlx was bound in a way that lets its arrays cross as the C++
// objects that they are: by a nanobind of the same internals, in nanobind's domain "mlx".
#pragma once

#include <nanobind/nanobind.h>

namespace xlstm::python {

// Of an mlx.core.array: what shows its elements to the host, computed, whatever device they are
// for (MLX's memory is the host's, too). Anything else as it is.
nanobind::object host_view(nanobind::handle given);

void bind_mlx_arrays(nanobind::module_& m);

}  // namespace xlstm::python
