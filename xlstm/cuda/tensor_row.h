// Products of one row of bfloat16 with quantised weights by tensor cores (kernels/tensor_row.cu).
#pragma once

#include <cstdint>
#include <optional>

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

class TensorRow {
 public:
  explicit TensorRow(Workspace& work) : work_(work) {}

  // How a product of these sizes runs; none where the kernel does not take it.
  struct Plan {
    int blocks = 0;
    bool is_long = false;  // rows of x too long for registers
    std::size_t shared_bytes = 0;
    TensorRowArgs args = {};
  };
  struct Sizes {
    std::int64_t N, K;    // of W
    std::int64_t N2 = 0;  // rows of the second product
    bool swiglu = false;
  };
  std::optional<Plan> plan(const Sizes& sizes, const Quantization& format, DType scales) const;

  // Queues it; args.W is not looked at.
  void compute(const Plan& plan, const RowProductArgs& args, const QuantizedTensor& W);

 private:
  Workspace& work_;
};

}  // namespace xlstm::cuda
