// What products of rounded factors add to the errors of the self test.
#pragma once

#include <vector>

namespace xlstm {

// Most that rounding both factors changes a product by, as a share of it. TF32
// (mlx/float32_products.h) has 10 bits behind the first, the rest cut off: each factor loses less
// than 2^-10 of itself.
inline constexpr double kTf32Product = 0x1p-9 + 0x1p-20;
// The same of one factor rounded to nearest in bfloat16, which has 7 bits behind the first.
inline constexpr double kBf16Factor = 0x1p-8;

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

// Where rounding changes a product by at most `u` of itself.
CellBounds rounded_cell_bounds(const CellCase& cell, double u);

// Bound on the errors of the norm of each head of h [rows, NH, DHV], without a weight, where each h
// is wrong by at most `error` times the largest |h|: as a share of the norm's largest result.
double normed_bound(const std::vector<float>& h, std::size_t DHV, double error);

}  // namespace xlstm
