// What every op of ours that runs a kernel on the CPU shares: a graph node whose evaluation is one
// call of that kernel on raw pointers.
#pragma once

#include <functional>
#include <vector>

#include "mlx/array.h"
#include "mlx/primitives.h"

namespace xlstm::ops {

// Raw, row-contiguous pointers to a node's arrays, valid for one call of its kernel.
struct CpuBuffers {
  std::vector<const void*> inputs;
  std::vector<void*> outputs;

  const float* input(std::size_t i) const { return static_cast<const float*>(inputs[i]); }
  float* output(std::size_t i) const { return static_cast<float*>(outputs[i]); }
};

using CpuKernel = std::function<void(const CpuBuffers&)>;

class CpuPrimitive : public mlx::core::Primitive {
 public:
  // Output `to` may take over the memory of input `from` when nobody else holds it.
  struct Donation {
    std::size_t from, to;
  };

  CpuPrimitive(const char* name, CpuKernel kernel, std::vector<Donation> donations = {});

  void eval_cpu(const std::vector<mlx::core::array>& inputs,
                std::vector<mlx::core::array>& outputs) override;
  void eval_gpu(const std::vector<mlx::core::array>& inputs,
                std::vector<mlx::core::array>& outputs) override;
  const char* name() const override { return name_; }

 private:
  const char* name_;
  CpuKernel kernel_;
  std::vector<Donation> donations_;
};

}  // namespace xlstm::ops
