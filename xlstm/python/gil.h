// Python's lock (GIL), let go of and taken back. Before 3.14, CPython ends a thread that wants it
// while the interpreter ends, by an unwinding that no destructor lets through. Such a thread waits
// here for ever instead, as 3.14 has it: what it holds is never let go of.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

namespace xlstm::python {

namespace nb = nanobind;

// Whether the interpreter has begun to end. Another thread may then hold a lock of the engine for
// ever: nothing may wait for one any more.
bool is_ending();

// callable(*arguments), for who holds the GIL; throws nb::python_error. To be used for all that
// runs Python's code, which lets go of the GIL, and wants it back.
nb::object call_python(nb::handle callable, const nb::tuple& arguments);

// While it is here, this thread does not hold the GIL, which it held before.
class WithoutGil {
 public:
  // Throws Error(kUsage) where the interpreter is ending: nothing may wait for the engine then.
  WithoutGil();
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;
  ~WithoutGil();

 private:
  PyThreadState* state_;
};

// While it is here, this thread holds the GIL, which it may have held before.
class WithGil {
 public:
  WithGil();
  WithGil(const WithGil&) = delete;
  WithGil& operator=(const WithGil&) = delete;
  ~WithGil() { PyGILState_Release(state_); }

 private:
  PyGILState_STATE state_;
};

// Drops something of the engine for who holds the GIL, without it, for its memory goes back under
// the engine's lock. Where the interpreter is ending, the process's end takes it.
template <typename T>
void drop(std::unique_ptr<T> value) {
  if (is_ending()) {
    static_cast<void>(value.release());
    return;
  }
  const WithoutGil released;
  value.reset();
}

}  // namespace xlstm::python
