// mlx.core.array, where the installed mlx was bound in a way that lets its arrays cross as the C++
// objects that they are: by a nanobind of the same internals, in nanobind's domain "mlx".
#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <vector>

#include "xlstm/python/arrays.h"

namespace xlstm::python {

// Of an mlx.core.array: what shows its elements to the host, computed, whatever device they are
// for (MLX's memory is the host's, too). Anything else as it is.
nanobind::object host_view(nanobind::handle given);

// An mlx.core.array of float32, in MLX's memory. Throws Error(kUsage) where mlx.core is not loaded
// or does not share its types with us, or for axes that MLX does not have.
FloatArray mlx_floats(const std::vector<std::size_t>& shape);

void bind_mlx_arrays(nanobind::module_& m);

}  // namespace xlstm::python
