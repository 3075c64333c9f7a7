#include "xlstm/cuda/state_batch.h"

#include <algorithm>
#include <utility>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"

namespace xlstm::cuda {
namespace {

// [a, b, ...] -> [B, a, b, ...]
TensorShape with_rows(std::size_t B, const TensorShape& shape) {
  Shape lengths = to_shape(shape);
  lengths.insert(lengths.begin(), static_cast<std::int64_t>(B));
  return TensorShape(lengths);
}

}  // namespace

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

// As those of the other rows.
void CudaStates::check_tensors(const std::vector<Tensor>& tensors) const {
  if (states_.empty()) return;
  if (tensors.size() != states_.front().size()) {
    fail_wanted(ErrorKind::kInternal, "state batch", str(states_.front().size(), " tensors"),
                str(tensors.size()));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check_shape("state batch", "tensor", tensors[i], states_.front()[i].shape());
  }
}

void CudaStates::add_tensors(std::vector<Tensor> tensors) {
  check_tensors(tensors);
  states_.push_back(std::move(tensors));
}

void CudaStates::replace_tensors(std::size_t row, std::vector<Tensor> tensors) {
  check_tensors(tensors);
  states_[row] = std::move(tensors);
}

std::vector<Tensor> CudaStates::remove_tensors(std::size_t row) {
  std::vector<Tensor> tensors = std::move(states_[row]);
  states_.erase(states_.begin() + static_cast<std::ptrdiff_t>(row));
  return tensors;
}

Tensor CudaStates::take(std::size_t index) {
  if (states_.empty()) fail_wanted(ErrorKind::kInternal, "state batch", "rows", "none");
  ++moves_;
  const Tensor first = states_.front().at(index);
  Tensor all = work_->allocate(with_rows(states_.size(), first.shape()), first.dtype(), "state");
  DevicePointer to = data_of(all).at;
  for (std::vector<Tensor>& state : states_) {
    const Tensor tensor = std::exchange(state[index], {});
    if (tensor.bytes() == 0) continue;
    work_->device().driver().check(
        work_->device().driver().cuMemcpyDtoDAsync_v2(to, work_->at(tensor), tensor.bytes(),
                                                      work_->device().stream()),
        "a copy of a state");
    to += tensor.bytes();
  }
  return all;
}

void CudaStates::put(std::size_t index, Tensor tensor) {
  Shape lengths = to_shape(tensor.shape());
  if (lengths.empty() || lengths.front() != static_cast<std::int64_t>(states_.size())) {
    fail_wanted(ErrorKind::kInternal, "state batch", str(states_.size(), " rows"),
                to_string(lengths));
  }
  ++moves_;
  lengths.erase(lengths.begin());
  const TensorShape shape(lengths);
  DevicePointer from = work_->at(tensor);
  for (std::vector<Tensor>& state : states_) {
    Tensor& to = state.at(index);
    to = work_->allocate(shape, tensor.dtype(), "state");
    if (to.bytes() == 0) continue;
    work_->device().driver().check(work_->device().driver().cuMemcpyDtoDAsync_v2(
                                       data_of(to).at, from, to.bytes(), work_->device().stream()),
                                   "a copy of a state");
    from += to.bytes();
  }
}

void CudaStates::make_writable(Tensor& tensor) {
  if (tensor.is_shared()) tensor = work_->copy_of(tensor, "state");
}

std::size_t CudaStates::table_size() const {
  return states_.empty() ? 0 : states_.size() * states_.front().size();
}

void CudaStates::make_writable(std::size_t row) {
  for (Tensor& tensor : states_[row]) make_writable(tensor);
}

DevicePointer CudaStates::addresses(std::size_t index, const TensorShape& shape,
                                    std::string_view op) {
  wanted_.clear();
  for (std::vector<Tensor>& state : states_) {
    Tensor& tensor = state.at(index);
    check_shape(op, "state", tensor, shape);
    check_dtype(op, "state", tensor, DType::kF32);
    make_writable(tensor);
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
      make_writable(state[index]);
      wanted_.push_back(reinterpret_cast<DevicePointer>(work_->to_write(state[index])));
    }
  }
  table_->entries(0, wanted_);
}

}  // namespace xlstm::cuda
