// States of sequences on the CPU: kernels get pointers to the tensors of each row.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "xlstm/backend/listed_states.h"
#include "xlstm/cpu/workspace.h"

namespace xlstm::cpu {

class CpuStates final : public ListedStates {
 public:
  explicit CpuStates(std::shared_ptr<Workspace> workspace) : workspace_(std::move(workspace)) {}

  void evaluate() override {}

  // Tensor `index` of a row, for writing: it gets memory of its own first where a fork of the
  // sequence holds it too. Throws Error(kInternal) unless it has this shape.
  float* writable(std::size_t row, std::size_t index, const TensorShape& shape,
                  std::string_view op);

 private:
  Tensor allocate(const TensorShape& shape, DType dtype, std::string_view where) override;
  void copy(const Tensor& to, std::size_t to_byte, const Tensor& from, std::size_t from_byte,
            std::size_t bytes) override;

  std::shared_ptr<Workspace> workspace_;
};

}  // namespace xlstm::cpu
