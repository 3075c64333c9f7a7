// What TF32 products (mlx/float32_products.h) add to the errors of the self test.
#pragma once

#include <vector>

namespace xlstm {

// Most that rounding both factors to TF32 changes a product by, as a share of it. Derivation: 10
// bits behind the first, cut off: each factor loses less than 2^-10 of itself.
inline constexpr double kTf32Product = 0x1p-9 + 0x1p-20;

// Inputs of the cell from a fresh state.
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

}  // namespace xlstm
