// Memory that runs out, told as all else is: an Error.
#pragma once

#include <exception>
#include <new>
#include <stdexcept>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {

[[noreturn]] inline void fail_without_memory() {
  fail_wanted(ErrorKind::kMemory, "memory", "enough for this call", "none left");
}

// Runs `call`; a std::bad_alloc becomes an Error(kMemory), as does the std::length_error of a
// container that was to hold more than any memory does.
template <typename Call>
auto translate_bad_alloc(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::bad_alloc&) {
    fail_without_memory();
  } catch (const std::length_error&) {
    fail_without_memory();
  }
}

// The exception being handled, translated as above.
inline std::exception_ptr current_error() {
  try {
    translate_bad_alloc([] { throw; });
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

}  // namespace xlstm
