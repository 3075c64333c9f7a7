// States of sequences on the CPU: a batch is a list of them, and kernels get a pointer to each, so
// joining and leaving copy nothing.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "xlstm/cpu/workspace.h"

namespace xlstm::cpu {

class CpuStates : public StateBatch {
 public:
  explicit CpuStates(std::shared_ptr<Workspace> workspace) : workspace_(std::move(workspace)) {}

  void make_writable(std::size_t row) override;
  void evaluate() override {}
  Tensor take(std::size_t index) override;
  void put(std::size_t index, Tensor tensor) override;

  // Tensor `index` of a row, for writing: it gets memory of its own first where a fork of the
  // sequence holds it too. Throws Error(kInternal) unless it has this shape.
  float* writable(std::size_t row, std::size_t index, const TensorShape& shape,
                  std::string_view op);

 private:
  Tensor& make_writable(Tensor& tensor, std::string_view op);
  void add_tensors(std::vector<Tensor> tensors) override;
  std::vector<Tensor> remove_tensors(std::size_t row) override;
  std::vector<Tensor> copy_tensors(std::size_t row) const override { return states_[row]; }
  void replace_tensors(std::size_t row, std::vector<Tensor> tensors) override;
  void check_tensors(const std::vector<Tensor>& tensors) const;

  std::shared_ptr<Workspace> workspace_;
  std::vector<std::vector<Tensor>> states_;  // of each row
};

}  // namespace xlstm::cpu
