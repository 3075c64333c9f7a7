// What lets Python's threads and the engine's get along. Two rules: who holds the interpreter's
// lock (GIL) never waits for a lock of the engine, and who drops a Python object holds the GIL.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "xlstm/base/error.h"

namespace xlstm::python {

namespace nb = nanobind;

// A Python object that C++ may copy and drop without the GIL.
class SharedObject {
 public:
  explicit SharedObject(nb::object object)
      : object_(new nb::object(std::move(object)), [](nb::object* dropped) {
          if (!nb::is_alive()) return;  // and with the interpreter all its objects
          const nb::gil_scoped_acquire held;
          delete dropped;
        }) {}

  const nb::object& operator*() const { return *object_; }

 private:
  std::shared_ptr<nb::object> object_;
};

// Lets Python's signal handlers run, without the GIL held; throws what they raise.
inline void check_signals() {
  const nb::gil_scoped_acquire held;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

// Values that are dropped without the GIL, for their memory goes back under the engine's lock. Made
// and dropped by who holds it.
template <typename T>
struct Released {
  Released() = default;
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;
  ~Released() {
    const nb::gil_scoped_release released;
    values.clear();
  }
  std::vector<T> values;
};

// Something of the engine that one thread at a time may use, for any number of Python's.
template <typename T>
class Guarded {
 public:
  Guarded(std::string_view what, T value) : what_(what), value_(std::move(value)) {}
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() {
    const nb::gil_scoped_release released;  // its memory goes back under the engine's lock
    value_.reset();
  }

  // Runs call(value) without the GIL, after the calls of other threads that came before. Throws
  // Error(kUsage) within a call of this thread (in a callback), which can only wait for itself.
  template <typename Call>
  auto use(Call&& call) {
    const nb::gil_scoped_release released;
    if (user_.load() == std::this_thread::get_id()) {
      fail_wanted(ErrorKind::kUsage, what_,
                  "a call that is not made from within another of its own", "one of a callback");
    }
    const std::lock_guard lock(mutex_);
    const Use used(user_);
    return std::forward<Call>(call)(*value_);
  }

  // What may be used from any thread at any time, and callbacks: the caller knows.
  T& unguarded() { return *value_; }

 private:
  struct Use {
    explicit Use(std::atomic<std::thread::id>& the_user) : user(the_user) {
      user = std::this_thread::get_id();
    }
    ~Use() { user = std::thread::id(); }
    std::atomic<std::thread::id>& user;
  };

  std::string_view what_;
  std::mutex mutex_;
  std::atomic<std::thread::id> user_{};
  std::optional<T> value_;
};

}  // namespace xlstm::python
