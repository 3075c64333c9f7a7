// Sizes of blocks of memory that are kept to be used again: four a power of two, so that a block
// has at most a quarter more than is asked for.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>

#include "xlstm/base/ceil_div.h"

namespace xlstm {

inline constexpr std::size_t kSizeClasses = 4 * 64;
inline constexpr std::size_t kSmallestBlock = 256;  // bytes

// The smallest class whose blocks have this many bytes, at most SIZE_MAX / 4. Class 4 p + q has
// (4 + q) 2^p / 4.
constexpr std::size_t size_class_of(std::size_t bytes) {
  bytes = std::max(bytes, kSmallestBlock);
  const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes
  const std::size_t quarter = std::size_t{1} << (power - 2);
  const std::size_t quarters = ceil_div(bytes, quarter);  // 5 to 8
  return quarters == 8 ? 4 * (power + 1) : 4 * power + quarters - 4;
}

// Bytes of its blocks.
constexpr std::size_t size_of_class(std::size_t size_class) {
  return (4 + size_class % 4) << (size_class / 4 - 2);
}

}  // namespace xlstm
