// Products of 1 to 64 rows with quantised weights by tensor cores (kernels/tensor_rows.cu), and
// norms of as many rows with the gates' product (kernels/row_norms.cu).
#pragma once

#include <cstdint>
#include <optional>

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

class TensorRows {
 public:
  explicit TensorRows(Workspace& work) : work_(work) {}

  // How a product of these sizes runs; none where the kernel does not take it.
  struct Plan {
    int tiles = 0;  // of eight rows of x
    int blocks = 0;
    std::size_t shared_bytes = 0;
    TensorRowsArgs args = {};
  };
  // x [M, K] bfloat16, W [N, K] with scales of this type.
  std::optional<Plan> plan(std::int64_t M, std::int64_t N, std::int64_t K,
                           const Quantization& format, DType scales, bool swiglu) const;

  // Queues it; args.W is not looked at.
  void compute(const Plan& plan, const RowProductArgs& args, const QuantizedTensor& W);

  // Whether norms of such rows run in one kernel with the product of their gates.
  static bool takes_norm(std::int64_t K);
  void norm(const RowNormArgs& args, std::int64_t M, DType dtype);

 private:
  Workspace& work_;
};

}  // namespace xlstm::cuda
