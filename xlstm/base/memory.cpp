#include "xlstm/base/memory.h"

#include <array>
#include <cmath>
#include <string_view>

#include "xlstm/base/numbers.h"

namespace xlstm {

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 7> kUnits = {"B",   "KiB", "MiB", "GiB",
                                                      "TiB", "PiB", "EiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.95 KiB would be shown as 1024.0 KiB.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  const bool whole = unit == 0 || value >= 99.95 || value == std::floor(value);
  return decimals(value, whole ? 0 : 1) + " " + std::string(kUnits[unit]);
}

}  // namespace xlstm
