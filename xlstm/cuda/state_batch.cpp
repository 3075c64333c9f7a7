#include "xlstm/cuda/state_batch.h"

#include <algorithm>
#include <utility>

#include "xlstm/backend/check.h"

namespace xlstm::cuda {

AddressTable::AddressTable(Workspace& work, std::size_t size)
    : work_(work),
      memory_(work.allocate_for_long({static_cast<std::int64_t>(2 * size)}, DType::kU32, "states")),
      known_(size, 0) {}

DevicePointer AddressTable::entries(std::size_t first, std::span<const DevicePointer> wanted) {
  const DevicePointer at = work_.at(memory_) + first * sizeof(DevicePointer);
  const auto known = known_.begin() + static_cast<std::ptrdiff_t>(first);
  if (!std::equal(wanted.begin(), wanted.end(), known)) {
    std::copy(wanted.begin(), wanted.end(), known);
    work_.device().driver().check(work_.device().driver().cuMemcpyHtoDAsync_v2(
                                      at, &*known, wanted.size_bytes(), work_.device().stream()),
                                  "addresses of states to go to the GPU");
  }
  return at;
}

void CudaStates::copy(const Tensor& to, std::size_t to_byte, const Tensor& from,
                      std::size_t from_byte, std::size_t bytes) {
  work_->device().driver().check(
      work_->device().driver().cuMemcpyDtoDAsync_v2(
          data_of(to).at + to_byte, work_->at(from) + from_byte, bytes, work_->device().stream()),
      "a copy of a state");
}

std::size_t CudaStates::table_size() const {
  return states_.empty() ? 0 : states_.size() * states_.front().size();
}

DevicePointer CudaStates::addresses(std::size_t index, const TensorShape& shape,
                                    std::string_view op) {
  wanted_.clear();
  for (std::vector<Tensor>& state : states_) {
    Tensor& tensor = state.at(index);
    check_shape(op, "state", tensor, shape);
    check_dtype(op, "state", tensor, DType::kF32);
    make_writable(tensor, "state");
    wanted_.push_back(reinterpret_cast<DevicePointer>(work_->to_write(tensor)));
  }
  if (table_ == nullptr || table_->size() != table_size()) {
    table_ = std::make_shared<AddressTable>(*work_, table_size());
  }
  return table_->entries(index * states_.size(), wanted_);
}

void CudaStates::use_table(std::shared_ptr<AddressTable> table) {
  table_ = std::move(table);
  wanted_.clear();
  for (std::size_t index = 0; !states_.empty() && index < states_.front().size(); ++index) {
    for (std::vector<Tensor>& state : states_) {
      make_writable(state[index], "state");
      wanted_.push_back(reinterpret_cast<DevicePointer>(work_->to_write(state[index])));
    }
  }
  table_->entries(0, wanted_);
}

}  // namespace xlstm::cuda
