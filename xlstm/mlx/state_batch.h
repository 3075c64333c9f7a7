// States of sequences as stacked arrays: joining and leaving a batch copies it.
#pragma once

#include <vector>

#include "xlstm/backend/state.h"
#include "xlstm/mlx/device_array.h"

namespace xlstm::mlx {

class MlxStates : public StateBatch {
 public:
  explicit MlxStates(mx::Device device) : device_(device) {}

  void evaluate() override;
  Tensor take(std::size_t index) override;
  void put(std::size_t index, Tensor tensor) override;

  // Tensor `index` [B, ...], moved out and in, so that a step may compute in its memory.
  DeviceArray take_array(std::size_t index);
  void put_array(std::size_t index, mx::array array);

 private:
  void add_tensors(std::vector<Tensor> tensors) override;
  std::vector<Tensor> remove_tensors(std::size_t row) override;
  std::vector<Tensor> copy_tensors(std::size_t row) const override;
  void replace_tensors(std::size_t row, std::vector<Tensor> tensors) override;
  void check_tensors(const std::vector<Tensor>& tensors) const;

  mx::Device device_;
  std::vector<Tensor> stacked_;  // [B, ...] each
};

}  // namespace xlstm::mlx
