// xlstm::Error -> the exceptions of python/xlstm_metal/errors.py.
#include <nanobind/nanobind.h>

#include "xlstm/base/error.h"
#include "xlstm/python/bind.h"

namespace xlstm::python {
namespace {

namespace nb = nanobind;

const char* name_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage:
      return "usage";
    case ErrorKind::kFile:
      return "file";
    case ErrorKind::kFormat:
      return "format";
    case ErrorKind::kModel:
      return "model";
    case ErrorKind::kMemory:
      return "memory";
    case ErrorKind::kNetwork:
      return "network";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kInternal:
      break;
  }
  return "internal";
}

void translate(const std::exception_ptr& thrown, void* /*unused*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    try {
      const nb::object raised = nb::module_::import_("xlstm_metal.errors")
                                    .attr("error_of_kind")(name_of(error.kind()), error.what());
      PyErr_SetObject(raised.type().ptr(), raised.ptr());
    } catch (nb::python_error& failed) {
      failed.restore();
    }
  }
}

}  // namespace

void bind_errors() {
  nb::register_exception_translator(translate);
}

}  // namespace xlstm::python
