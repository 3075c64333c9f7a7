// How many cores this process may use.
#pragma once

#include <cstddef>

namespace xlstm {

// At least 1. On Linux, those of its affinity mask, or fewer where its control group has a quota.
std::size_t usable_cores();

}  // namespace xlstm
