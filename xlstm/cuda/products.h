// Products of many rows by cuBLASLt, where it is found.
#pragma once

#include <memory>
#include <vector>

#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// y [M, N] = x [M, K] W^T (+ residual), W [N, K], all of one type: kF32 (real float32, never TF32)
// or kBF16 (summed in float32).
struct Product {
  const void* x;
  const void* W;
  const void* residual;  // [M, N] or none; may be y
  void* y;
  std::int64_t M, N, K;
  DType dtype;
};

class Products {
 public:
  // None where there is no cuBLASLt.
  static std::unique_ptr<Products> load(Workspace& work);
  virtual ~Products() = default;

  // False where the library has no way for these sizes.
  virtual bool compute(const Product& product) = 0;
};

}  // namespace xlstm::cuda
