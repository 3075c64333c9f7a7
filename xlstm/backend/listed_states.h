// States as a list of tensors for each row, for backends whose kernels take an address for each
// row: joining and leaving copy nothing.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "xlstm/backend/state.h"

namespace xlstm {

class ListedStates : public StateBatch {
 public:
  void make_writable(std::size_t row) override;
  Tensor take(std::size_t index) override;
  void put(std::size_t index, Tensor tensor) override;

 protected:
  // Gives a tensor memory of its own where somebody else holds it too.
  void make_writable(Tensor& tensor, std::string_view where);

  std::vector<std::vector<Tensor>> states_;  // of each row

 private:
  // A tensor whose numbers are yet to be written. Throws Error(kMemory), which names `where`.
  virtual Tensor allocate(const TensorShape& shape, DType dtype, std::string_view where) = 0;
  // Copies `bytes` of them, more than 0, from one place to another; `to` is one of allocate().
  virtual void copy(const Tensor& to, std::size_t to_byte, const Tensor& from,
                    std::size_t from_byte, std::size_t bytes) = 0;

  void add_tensors(std::vector<Tensor> tensors) override;
  std::vector<Tensor> remove_tensors(std::size_t row) override;
  std::vector<Tensor> copy_tensors(std::size_t row) const override { return states_[row]; }
  void replace_tensors(std::size_t row, std::vector<Tensor> tensors) override;
  void check_tensors(const std::vector<Tensor>& tensors) const;
};

}  // namespace xlstm
