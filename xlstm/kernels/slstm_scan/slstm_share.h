// How a scan is divided into tasks. For the files of slstm_scan/.
#pragma once

#include <cstddef>

#include "xlstm/base/ceil_div.h"

namespace xlstm::kernels {

// What one task does: blocks of units of one head, for some of the rows, which are in the order of
// falling numbers of tokens.
struct SlstmShare {
  std::size_t head;
  std::size_t row0, row1;
  std::size_t block0, block1;  // all of them where there are several tokens
};

// A row's head while a task works on it, in memory near to the other rows': in the caller's they
// lie at distances at which all want the same lines of the cache.
struct SlstmCellRow {
  float* memory;  // kSlstmParts arrays: y before and after a token, by turns; c, n, m; W x + b of
                  // i, f, z, o
  float* y;       // of the token under way, [DH], for the caller
};

inline constexpr std::size_t kSlstmParts = 9;

// Floats from one array of a row's memory to the next.
inline std::size_t slstm_part_stride(std::size_t DH) {
  constexpr std::size_t kLine = 16;
  return round_up(DH, kLine) + kLine;
}

}  // namespace xlstm::kernels
