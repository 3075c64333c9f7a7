// From a tile's height at run time to the function for it.
#pragma once

#include <string>
#include <type_traits>

#include "xlstm/base/error.h"

namespace xlstm::kernels {

// Calls f(std::integral_constant<int, rows>()), where `rows` is one of Least, Least + Step, ...
// Most. Throws Error(kInternal) for a height that there is no function for.
template <int Least, int Most, int Step = 1, class F>
void with_tile_rows(std::size_t rows, const F& f) {
  if constexpr (Least > Most) {
    fail_wanted(ErrorKind::kInternal, "tile", "a height that there is a kernel for",
                std::to_string(rows));
  } else if (rows == static_cast<std::size_t>(Least)) {
    f(std::integral_constant<int, Least>());
  } else {
    with_tile_rows<Least + Step, Most, Step>(rows, f);
  }
}

}  // namespace xlstm::kernels
