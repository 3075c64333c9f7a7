#include "xlstm/python/mlx_arrays.h"

#include <mlx/allocator.h>
#include <mlx/array.h>

#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/python/guards.h"

namespace xlstm::python {
namespace {

namespace mx = mlx::core;

// Whether mlx.core is loaded and its array is a type that we know.
bool shares_mlx() {
  return nb::type<mx::array>().is_valid();
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

FloatArray mlx_floats(const std::vector<std::size_t>& shape) {
  if (!shares_mlx()) {
    fail_wanted(ErrorKind::kUsage, "mlx.core", "arrays of a type that is known here", "others");
  }
  mx::Shape lengths;
  std::size_t size = 1;
  for (const std::size_t length : shape) {
    if (!std::in_range<mx::ShapeElem>(length)) {
      fail_wanted(ErrorKind::kUsage, "logits", "axes of less than 2^31", str(length));
    }
    lengths.push_back(static_cast<mx::ShapeElem>(length));
    size *= length;
  }
  mx::array array(mx::allocator::malloc(size * sizeof(float)), lengths, mx::float32);
  return {nb::cast(array), {array.data<float>(), size}};
}

void bind_mlx_arrays(nb::module_& m) {
  m.def("shares_mlx", &shares_mlx);
}

}  // namespace xlstm::python
