#include "xlstm/python/mlx_arrays.h"

#include <mlx/array.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <limits>

#include "xlstm/base/error.h"
#include "xlstm/python/guards.h"

namespace xlstm::python {
namespace {

namespace mx = mlx::core;

// Whether mlx.core is loaded and its array is a type that we know.
bool shares_mlx() {
  return nb::type<mx::array>().is_valid();
}

// An mlx.core.array of the memory of `values`, a numpy array of float32; kept until the array is
// gone. MLX copies where its device cannot use that memory.
nb::object to_mlx(const nb::ndarray<float, nb::numpy, nb::c_contig, nb::device::cpu>& values) {
  mx::Shape shape;
  for (std::size_t axis = 0; axis < values.ndim(); ++axis) {
    if (!std::in_range<mx::ShapeElem>(values.shape(axis))) {
      fail_wanted(ErrorKind::kUsage, "logits", "axes of less than 2^31", str(values.shape(axis)));
    }
    shape.push_back(static_cast<mx::ShapeElem>(values.shape(axis)));
  }
  const SharedObject kept(nb::cast(values));
  return nb::cast(mx::array(values.data(), std::move(shape), mx::float32, [kept](void*) {}));
}

}  // namespace

nb::object host_view(nb::handle given) {
  if (!shares_mlx() || !nb::isinstance<mx::array>(given)) return nb::borrow(given);
  mx::array array = nb::cast<mx::array>(given);
  {
    const nb::gil_scoped_release released;
    array.eval();
  }
  return nb::steal(PyMemoryView_FromObject(given.ptr()));
}

void bind_mlx_arrays(nb::module_& m) {
  m.def("shares_mlx", &shares_mlx);
  m.def("to_mlx", &to_mlx, nb::arg("values"));
}

}  // namespace xlstm::python
