// Products of 2 to 16 rows with bfloat16 weights by tensor cores (kernels/dense_rows.cu).
#pragma once

#include <cstdint>
#include <optional>

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

class DenseRows {
 public:
  explicit DenseRows(Workspace& work) : work_(work) {}

  // How a product of these sizes runs; none where the kernel does not take it.
  struct Plan {
    int tiles = 0;     // of eight rows of x
    int segments = 0;  // of a row of W
    int steps = 0;     // of 256 columns, of a segment
  };
  // x [M, K], W [N, K].
  std::optional<Plan> plan(std::int64_t M, std::int64_t K) const;

  // Queues it, without a norm and a second product. W begins at 16 bytes.
  void compute(const Plan& plan, const RowProductArgs& args);

 private:
  Workspace& work_;
};

}  // namespace xlstm::cuda
