#include "xlstm/ops/check.h"

#include <sstream>

#include "mlx/utils.h"
#include "xlstm/base/error.h"

namespace xlstm::ops {
namespace {
namespace mx = mlx::core;

std::string text_of(const mx::Shape& shape) {
  std::string out = "[";
  for (const auto length : shape) out += str(out.size() > 1 ? ", " : "", length);
  return out + "]";
}

std::string text_of(mx::Dtype dtype) {
  std::ostringstream out;
  out << dtype;
  return out.str();
}

}  // namespace

void want_shape(std::string_view op, std::string_view name, const mx::array& a,
                const mx::Shape& shape) {
  if (a.shape() == shape) return;
  fail_wanted(ErrorKind::kInternal, op, str(name, " of shape ", text_of(shape)),
              text_of(a.shape()));
}

void want_dtype(std::string_view op, std::string_view name, const mx::array& a, mx::Dtype dtype) {
  if (a.dtype() == dtype) return;
  fail_wanted(ErrorKind::kInternal, op, str(name, " of type ", text_of(dtype)), text_of(a.dtype()));
}

void want_float32(std::string_view op, std::string_view name, const mx::array& a) {
  want_dtype(op, name, a, mx::float32);
}

void want_float(std::string_view op, std::string_view name, const mx::array& a) {
  if (mx::issubdtype(a.dtype(), mx::floating)) return;
  fail_wanted(ErrorKind::kInternal, op, str(name, " of a float type"), text_of(a.dtype()));
}

void want_rank(std::string_view op, std::string_view name, const mx::array& a, int rank) {
  if (static_cast<int>(a.ndim()) == rank) return;
  fail_wanted(ErrorKind::kInternal, op, str(name, " with ", rank, " axes"), text_of(a.shape()));
}

void want_elements(std::string_view op, const mx::Shape& shape, std::size_t count) {
  bool negative = false;
  std::size_t elements = 1;
  for (const auto length : shape) {
    negative = negative || length < 0;
    elements *= static_cast<std::size_t>(length);
  }
  if (!negative && elements == count) return;
  fail_wanted(ErrorKind::kInternal, op, str("a shape of ", count, " elements"), text_of(shape));
}

}  // namespace xlstm::ops
