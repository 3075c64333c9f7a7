// Memory that runs out, told as all else is: an Error.
#pragma once

#include <exception>
#include <new>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {

// Runs `call`; a std::bad_alloc becomes an Error(kMemory).
template <typename Call>
auto translate_bad_alloc(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (const std::bad_alloc&) {
    fail_wanted(ErrorKind::kMemory, "memory", "enough for this call", "none left");
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
