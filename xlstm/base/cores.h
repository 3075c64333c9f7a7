// Cores, as the operating system grants them.
#pragma once

#include <cstddef>

namespace xlstm {

// How many cores this process may run on, at least 1.
std::size_t usable_cores();

}  // namespace xlstm
