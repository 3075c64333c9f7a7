// Products of 17 to 64 rows with weights of 4 or 8 bits by warpgroups (kernels/warpgroup_rows.cu).
#pragma once

#include <cstdint>
#include <optional>

#include "xlstm/cuda/kernels/args.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

class WarpgroupRows {
 public:
  explicit WarpgroupRows(Workspace& work) : work_(work) {}

  // How a product of these sizes runs; none where the kernel does not take it, or gains nothing.
  struct Plan {
    int rows = 0;   // of x, 32 or 64
    int tiles = 0;  // of 64 rows of W, of a block at a time
    int clusters = 0;
    std::int64_t columns = 0;  // of x as the kernel has it
    std::size_t shared_bytes = 0;
    WarpgroupRowsArgs args = {};
  };
  // x [M, K] bfloat16, W [N, K] with scales of this type.
  std::optional<Plan> plan(std::int64_t M, std::int64_t N, std::int64_t K,
                           const Quantization& format, DType scales) const;

  // x [M, K] as the kernel has it, [M, plan.columns]: its columns in another order
  // (kernels/column_order.cuh), zeros behind them.
  Tensor ordered(const Plan& plan, const Tensor& x, int bits);

  // Queues it; args.x is in that order, args.W is not looked at.
  void compute(const Plan& plan, const RowProductArgs& args, const QuantizedTensor& W);

 private:
  Workspace& work_;
};

}  // namespace xlstm::cuda
