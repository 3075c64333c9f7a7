// A composed kernel as C++: the text itself, with few edits that keep its lines, and a function
// that calls it.
#pragma once

#include <string>

#include "tests/metal/emulator/composed.h"

namespace xlstm::metal_emulator {

// For a host's compiler, with tests/metal/shim. Throws Error(kInternal) for a threadgroup
// declaration that it cannot make memory of the threadgroup from.
std::string translated(const Composed& kernel);
// For clang as C++ for OpenCL, with tests/metal/check_shim: to be checked only.
std::string translated_for_check(const Composed& kernel);
// The name that messages call the text by: that given to metal_kernel, and what MLX added.
std::string label_of(const Composed& kernel);

}  // namespace xlstm::metal_emulator
