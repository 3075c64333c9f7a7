#include "xlstm/mlx/state_batch.h"

#include <algorithm>
#include <utility>

#include "xlstm/base/error.h"
#include "xlstm/mlx/evaluate.h"
#include "xlstm/mlx/mlx_tensor.h"

namespace xlstm::mlx {

void MlxStates::evaluate() {
  std::vector<mx::array> arrays;
  for (const Tensor& tensor : stacked_) arrays.push_back(array_of(tensor));
  xlstm::mlx::evaluate(std::move(arrays));
}

Tensor MlxStates::take(std::size_t index) {
  return std::exchange(stacked_.at(index), {});
}

void MlxStates::put(std::size_t index, Tensor tensor) {
  stacked_.at(index) = std::move(tensor);
}

DeviceArray MlxStates::take_array(std::size_t index) {
  const Tensor tensor = take(index);
  return {array_of(tensor), device_};
}

void MlxStates::put_array(std::size_t index, mx::array array) {
  put(index, tensor_of(std::move(array)));
}

// As those of the other rows.
void MlxStates::check_tensors(const std::vector<Tensor>& tensors) const {
  if (rows() == 0) return;
  if (tensors.size() != stacked_.size()) {
    fail_wanted(ErrorKind::kInternal, "state batch", str(stacked_.size(), " tensors"),
                str(tensors.size()));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const mx::Shape& row = array_of(tensors[i]).shape();
    const mx::Shape& all = array_of(stacked_[i]).shape();
    if (std::equal(row.begin(), row.end(), all.begin() + 1, all.end())) continue;
    fail_wanted(ErrorKind::kInternal, "state batch", "tensors as those of the other rows",
                to_string(tensors[i].shape()));
  }
}

void MlxStates::add_tensors(std::vector<Tensor> tensors) {
  check_tensors(tensors);
  std::vector<Tensor> joined;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    mx::array row = mx::expand_dims(array_of(tensors[i]), 0, device_);
    if (rows() > 0) row = mx::concatenate({array_of(stacked_[i]), row}, 0, device_);
    joined.push_back(tensor_of(std::move(row)));
  }
  stacked_ = std::move(joined);
}

std::vector<Tensor> MlxStates::copy_tensors(std::size_t row) const {
  const int at = static_cast<int>(row);
  std::vector<Tensor> copies;
  for (const Tensor& tensor : stacked_) {
    const DeviceArray all = {array_of(tensor), device_};
    copies.push_back(tensor_of(squeeze(part(all, 0, at, at + 1), 0).array));
  }
  return copies;
}

std::vector<Tensor> MlxStates::remove_tensors(std::size_t row) {
  const int B = static_cast<int>(rows()), at = static_cast<int>(row);
  std::vector<Tensor> removed = copy_tensors(row), left;
  for (const Tensor& tensor : stacked_) {
    if (B == 1) break;
    const DeviceArray all = {array_of(tensor), device_};
    const DeviceArray before = part(all, 0, 0, at), after = part(all, 0, at + 1, B);
    left.push_back(tensor_of(mx::concatenate({before.array, after.array}, 0, device_)));
  }
  stacked_ = std::move(left);
  return removed;
}

void MlxStates::replace_tensors(std::size_t row, std::vector<Tensor> tensors) {
  check_tensors(tensors);
  const int B = static_cast<int>(rows()), at = static_cast<int>(row);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const DeviceArray all = {array_of(stacked_[i]), device_};
    const mx::array own = mx::expand_dims(array_of(tensors[i]), 0, device_);
    const DeviceArray before = part(all, 0, 0, at), after = part(all, 0, at + 1, B);
    stacked_[i] = tensor_of(mx::concatenate({before.array, own, after.array}, 0, device_));
  }
}

}  // namespace xlstm::mlx
