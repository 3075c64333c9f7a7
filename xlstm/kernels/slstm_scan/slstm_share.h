// How a scan is divided into tasks. For the files of slstm_scan/.
#pragma once

#include <cstddef>

namespace xlstm::kernels {

// What one task does: blocks of units of one head, for some of the rows, which are in the order of
// falling numbers of tokens.
struct SlstmShare {
  std::size_t head;
  std::size_t row0, row1;
  std::size_t block0, block1;  // all of them where there are several tokens
};

// Where a row's head is at one token.
struct SlstmCellRow {
  const float* before;  // y of the token before, [DH]
  const float* Wx[4];   // i, f, z, o, [DH] each
  float *c, *n, *m, *y;
};

}  // namespace xlstm::kernels
