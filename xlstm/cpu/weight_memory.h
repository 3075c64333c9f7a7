// Where a model's weights lie on the CPU: one piece of memory for all, in large pages, each tensor
// at the start of a cache line.
#pragma once

#include <cstdint>
#include <memory>

#include "xlstm/cpu/workspace.h"

namespace xlstm::cpu {

class CpuWeightMemory : public WeightMemory {
 public:
  // Room for `bytes` in `tensors` tensors. Throws Error(kMemory).
  CpuWeightMemory(std::shared_ptr<Workspace> workspace, std::uint64_t bytes, std::uint64_t tensors);

  Tensor take(const TensorShape& shape, DType dtype, std::string_view where) override;

 private:
  struct Piece;
  struct Part;

  std::shared_ptr<Workspace> workspace_;  // what does not fit lies there
  std::shared_ptr<Piece> piece_;          // none where the system has no large pages
  std::uint64_t used_ = 0, size_ = 0;     // bytes of the piece
};

}  // namespace xlstm::cpu
