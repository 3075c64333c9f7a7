// What every op of ours that runs a kernel on the CPU shares: one call of that kernel on raw
// pointers, as a node of MLX's graph or at once.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "mlx/array.h"
#include "mlx/primitives.h"

namespace xlstm::ops {

// Raw, row-contiguous pointers to an op's arrays, valid for one call of its kernel.
struct CpuBuffers {
  std::vector<const void*> inputs;
  std::vector<void*> outputs;

  const float* input(std::size_t i) const { return static_cast<const float*>(inputs[i]); }
  float* output(std::size_t i) const { return static_cast<float*>(outputs[i]); }
};

using CpuKernel = std::function<void(const CpuBuffers&)>;

// An op's kernel and what it may do to its inputs.
struct CpuOp {
  // Output `to` may take over the memory of input `from` when nobody else holds it.
  struct Donation {
    std::size_t from, to;
  };

  const char* name;  // lives as long as the program
  CpuKernel kernel;
  std::vector<Donation> donations = {};
};

// The results of an op: nodes of MLX's graph or, in the scope of an AtOnce, computed. There it
// takes over the memory of an input only if `inputs` alone holds that: move the whole vector in, as
// a list in braces holds its arrays until the call is over.
std::vector<mlx::core::array> run_on_cpu(CpuOp op, std::vector<mlx::core::Shape> shapes,
                                         std::vector<mlx::core::Dtype> dtypes,
                                         std::vector<mlx::core::array> inputs);
mlx::core::array run_on_cpu(CpuOp op, mlx::core::Shape shape, mlx::core::Dtype dtype,
                            std::vector<mlx::core::array> inputs);

// Makes computed, row-major arrays that nobody else holds of these. `where` says what memory is
// for.
void own(const std::vector<mlx::core::array*>& arrays, const char* where);

class CpuPrimitive : public mlx::core::Primitive {
 public:
  explicit CpuPrimitive(CpuOp op);

  void eval_cpu(const std::vector<mlx::core::array>& inputs,
                std::vector<mlx::core::array>& outputs) override;
  void eval_gpu(const std::vector<mlx::core::array>& inputs,
                std::vector<mlx::core::array>& outputs) override;
  const char* name() const override { return op_.name; }

 private:
  CpuOp op_;
};

}  // namespace xlstm::ops
