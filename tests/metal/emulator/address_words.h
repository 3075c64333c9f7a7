// A rule of Metal's that clang's OpenCL does not have: a pointer or reference names its address
// space, "thread" as well.
#pragma once

#include <string_view>

namespace xlstm::metal_emulator {

// Where in `text` (no comments in it) the first '*' or '&' of a declarator without an address space
// is; or npos. The text is taken to be formatted: "T* p" declares, "a * b" multiplies.
std::size_t pointer_without_space(std::string_view text);

}  // namespace xlstm::metal_emulator
