#include "xlstm/cpu/state_batch.h"

#include <cstring>
#include <utility>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"
#include "xlstm/cpu/cpu_tensor.h"

namespace xlstm::cpu {
namespace {

// [a, b, ...] -> [B, a, b, ...]
TensorShape with_rows(std::size_t B, const TensorShape& shape) {
  Shape lengths = to_shape(shape);
  lengths.insert(lengths.begin(), static_cast<std::int64_t>(B));
  return TensorShape(lengths);
}

}  // namespace

// As those of the other rows.
void CpuStates::check_tensors(const std::vector<Tensor>& tensors) const {
  if (states_.empty()) return;
  if (tensors.size() != states_.front().size()) {
    fail_wanted(ErrorKind::kInternal, "state batch", str(states_.front().size(), " tensors"),
                str(tensors.size()));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check_shape("state batch", "tensor", tensors[i], states_.front()[i].shape());
  }
}

void CpuStates::add_tensors(std::vector<Tensor> tensors) {
  check_tensors(tensors);
  states_.push_back(std::move(tensors));
}

void CpuStates::replace_tensors(std::size_t row, std::vector<Tensor> tensors) {
  check_tensors(tensors);
  states_[row] = std::move(tensors);
}

std::vector<Tensor> CpuStates::remove_tensors(std::size_t row) {
  std::vector<Tensor> tensors = std::move(states_[row]);
  states_.erase(states_.begin() + static_cast<std::ptrdiff_t>(row));
  return tensors;
}

Tensor CpuStates::take(std::size_t index) {
  if (states_.empty()) fail_wanted(ErrorKind::kInternal, "state batch", "rows", "none");
  const Tensor& first = states_.front().at(index);
  Tensor all(with_rows(states_.size(), first.shape()), first.dtype(),
             workspace_->take(states_.size() * first.bytes(), "state"));
  std::byte* to = data_of(all);
  for (std::vector<Tensor>& state : states_) {
    const Tensor tensor = std::exchange(state[index], {});
    std::memcpy(to, data_of(tensor), tensor.bytes());
    to += tensor.bytes();
  }
  return all;
}

void CpuStates::put(std::size_t index, Tensor tensor) {
  Shape lengths = to_shape(tensor.shape());
  if (lengths.empty() || lengths.front() != static_cast<std::int64_t>(states_.size())) {
    fail_wanted(ErrorKind::kInternal, "state batch", str(states_.size(), " rows"),
                to_string(lengths));
  }
  lengths.erase(lengths.begin());
  const TensorShape shape(lengths);
  const std::byte* from = data_of(tensor);
  for (std::vector<Tensor>& state : states_) {
    const std::size_t bytes = tensor.bytes() / states_.size();
    state.at(index) = {shape, tensor.dtype(), workspace_->take(bytes, "state")};
    std::memcpy(data_of(state[index]), from, bytes);
    from += bytes;
  }
}

float* CpuStates::writable(std::size_t row, std::size_t index, const TensorShape& shape,
                           std::string_view op) {
  Tensor& tensor = states_[row].at(index);
  check_shape(op, "state", tensor, shape);
  check_dtype(op, "state", tensor, DType::kF32);
  return reinterpret_cast<float*>(data_of(make_writable(tensor, op)));
}

Tensor& CpuStates::make_writable(Tensor& tensor, std::string_view op) {
  if (tensor.is_shared()) {
    Tensor own(tensor.shape(), tensor.dtype(), workspace_->take(tensor.bytes(), op));
    std::memcpy(data_of(own), data_of(tensor), tensor.bytes());
    tensor = std::move(own);
  }
  return tensor;
}

void CpuStates::make_writable(std::size_t row) {
  for (Tensor& tensor : states_[row]) make_writable(tensor, "state");
}

}  // namespace xlstm::cpu
