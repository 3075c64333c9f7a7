#include "xlstm/python/gil.h"

#include <chrono>
#include <thread>

#include "xlstm/base/error.h"

namespace xlstm::python {
namespace {

[[noreturn]] void wait_for_ever() {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

// Around a call of CPython's, which throws nothing: unwound by the end of this thread alone. A
// catch would not do, for that is no exception of C++, and none may be caught within a handler of
// another. The functions that have one are no part of others, which may be noexcept: compilers
// leave such an object's destructor out there.
class Stay {
 public:
  Stay() = default;
  Stay(const Stay&) = delete;
  Stay& operator=(const Stay&) = delete;
  ~Stay() {
    if (!has_returned_) wait_for_ever();
  }
  void has_returned() { has_returned_ = true; }

 private:
  bool has_returned_ = false;
};

[[gnu::noinline]] void restore(PyThreadState* state) {
  Stay stay;
  PyEval_RestoreThread(state);
  stay.has_returned();
}

[[gnu::noinline]] PyGILState_STATE ensure() {
  Stay stay;
  const PyGILState_STATE state = PyGILState_Ensure();
  stay.has_returned();
  return state;
}

[[gnu::noinline]] PyObject* call_object(PyObject* callable, PyObject* arguments) {
  Stay stay;
  PyObject* result = PyObject_CallObject(callable, arguments);
  stay.has_returned();
  return result;
}

}  // namespace

bool is_ending() {
#if PY_VERSION_HEX >= 0x030d0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

nb::object call_python(nb::handle callable, const nb::tuple& arguments) {
  PyObject* result = call_object(callable.ptr(), arguments.ptr());
  if (result == nullptr) throw nb::python_error();
  return nb::steal(result);
}

WithoutGil::WithoutGil() {
  if (is_ending()) {
    fail_wanted(ErrorKind::kUsage, "python", "a call before the interpreter's end",
                "one while it ends");
  }
  state_ = PyEval_SaveThread();
}

WithoutGil::~WithoutGil() {
  restore(state_);
}

WithGil::WithGil() {
  if (is_ending() && PyGILState_Check() == 0) wait_for_ever();
  state_ = ensure();
}

}  // namespace xlstm::python
