// What TF32 products (gpu_products.h) add to the errors of the self test.
#pragma once

#include <vector>

namespace xlstm::ops {

// Inputs of the cell from a fresh state, as in ops.h.
struct CellCase {
  int B, S, NH, DHQK, DHV;
  double eps;
  const std::vector<float>&q, &k;  // [B, S, NH, DHQK]
  const std::vector<float>& v;     // [B, S, NH, DHV]
  const std::vector<float>&i, &f;  // [B, S, NH]
};

// Bounds on the largest difference over the largest value.
struct CellBounds {
  double chunk_h = 0, chunk_C = 0;  // read in chunks
  double step_h = 0;                // token by token; C is then no product of matrices
};

CellBounds tf32_cell_bounds(const CellCase& cell);

}  // namespace xlstm::ops
