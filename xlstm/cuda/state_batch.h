// States of sequences on the GPU: kernels find the tensors of each row through a table of
// addresses.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "xlstm/backend/listed_states.h"
#include "xlstm/cuda/workspace.h"

namespace xlstm::cuda {

// Addresses in the GPU's memory, with what it holds of them known to the host.
class AddressTable {
 public:
  AddressTable(Workspace& work, std::size_t size);

  // The address of entry `first`, of entries that are written to the device where they changed.
  DevicePointer entries(std::size_t first, std::span<const DevicePointer> wanted);
  std::size_t size() const { return known_.size(); }

 private:
  Workspace& work_;
  Tensor memory_;                     // [size] of 64 bits
  std::vector<DevicePointer> known_;  // what the device has
};

class CudaStates final : public ListedStates {
 public:
  explicit CudaStates(std::shared_ptr<Workspace> work) : work_(std::move(work)) {}

  void evaluate() override { work_->device().synchronize(); }
  Tensor take(std::size_t index) override {
    ++moves_;
    return ListedStates::take(index);
  }
  void put(std::size_t index, Tensor tensor) override {
    ++moves_;
    ListedStates::put(index, std::move(tensor));
  }

  // The device's address of those of tensor `index` of each row, for writing: a row gets memory of
  // its own first where a fork of the sequence holds it too. Throws Error(kInternal) unless it has
  // this shape.
  DevicePointer addresses(std::size_t index, const TensorShape& shape, std::string_view op);

  // In which chain of kernels (Programs::chain()) the layer of tensor `first` was last written.
  bool was_written_in(std::size_t first, std::uint64_t chain) const {
    const auto found = written_.find(first);
    return found != written_.end() && found->second == chain;
  }
  void set_written_in(std::size_t first, std::uint64_t chain) { written_[first] = chain; }

  // How often take() and put() were called: what they do is not in a recording.
  std::uint64_t moves() const { return moves_; }

  // For steps that are repeated: the same of all tensors, in `table` from now on.
  std::size_t table_size() const;
  void use_table(std::shared_ptr<AddressTable> table);

 private:
  Tensor allocate(const TensorShape& shape, DType dtype, std::string_view where) override {
    return work_->allocate(shape, dtype, where);
  }
  void copy(const Tensor& to, std::size_t to_byte, const Tensor& from, std::size_t from_byte,
            std::size_t bytes) override;

  std::shared_ptr<Workspace> work_;
  std::shared_ptr<AddressTable> table_;  // [tensors][rows]
  std::vector<DevicePointer> wanted_;    // memory for a part of it
  std::map<std::size_t, std::uint64_t> written_;
  std::uint64_t moves_ = 0;
};

}  // namespace xlstm::cuda
