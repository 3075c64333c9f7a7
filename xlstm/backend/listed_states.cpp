#include "xlstm/backend/listed_states.h"

#include <utility>

#include "xlstm/backend/check.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

// [a, b, ...] -> [B, a, b, ...]
TensorShape with_rows(std::size_t B, const TensorShape& shape) {
  Shape lengths = to_shape(shape);
  lengths.insert(lengths.begin(), static_cast<std::int64_t>(B));
  return TensorShape(lengths);
}

// [B, a, b, ...] -> [a, b, ...]
TensorShape without_rows(std::size_t B, const TensorShape& shape) {
  Shape lengths = to_shape(shape);
  if (lengths.empty() || lengths.front() != static_cast<std::int64_t>(B)) {
    fail_wanted(ErrorKind::kInternal, "state batch", str(B, " rows"), to_string(lengths));
  }
  lengths.erase(lengths.begin());
  return TensorShape(lengths);
}

}  // namespace

void ListedStates::make_writable(std::size_t row) {
  for (Tensor& tensor : states_[row]) make_writable(tensor, "state");
}

void ListedStates::make_writable(Tensor& tensor, std::string_view where) {
  if (!tensor.is_shared()) return;
  Tensor own = allocate(tensor.shape(), tensor.dtype(), where);
  if (tensor.bytes() > 0) copy(own, 0, tensor, 0, tensor.bytes());
  tensor = std::move(own);
}

Tensor ListedStates::take(std::size_t index) {
  if (states_.empty()) fail_wanted(ErrorKind::kInternal, "state batch", "rows", "none");
  const Tensor& first = states_.front().at(index);
  Tensor all = allocate(with_rows(states_.size(), first.shape()), first.dtype(), "state");
  std::size_t at = 0;
  for (std::vector<Tensor>& state : states_) {
    const Tensor tensor = std::exchange(state[index], {});
    if (tensor.bytes() > 0) copy(all, at, tensor, 0, tensor.bytes());
    at += tensor.bytes();
  }
  return all;
}

void ListedStates::put(std::size_t index, Tensor tensor) {
  const TensorShape shape = without_rows(states_.size(), tensor.shape());
  std::size_t at = 0;
  for (std::vector<Tensor>& state : states_) {
    Tensor& to = state.at(index);
    to = allocate(shape, tensor.dtype(), "state");
    if (to.bytes() > 0) copy(to, 0, tensor, at, to.bytes());
    at += to.bytes();
  }
}

// As those of the other rows.
void ListedStates::check_tensors(const std::vector<Tensor>& tensors) const {
  if (states_.empty()) return;
  if (tensors.size() != states_.front().size()) {
    fail_wanted(ErrorKind::kInternal, "state batch", str(states_.front().size(), " tensors"),
                str(tensors.size()));
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    check_shape("state batch", "tensor", tensors[i], states_.front()[i].shape());
  }
}

void ListedStates::add_tensors(std::vector<Tensor> tensors) {
  check_tensors(tensors);
  states_.push_back(std::move(tensors));
}

void ListedStates::replace_tensors(std::size_t row, std::vector<Tensor> tensors) {
  check_tensors(tensors);
  states_[row] = std::move(tensors);
}

std::vector<Tensor> ListedStates::remove_tensors(std::size_t row) {
  std::vector<Tensor> tensors = std::move(states_[row]);
  states_.erase(states_.begin() + static_cast<std::ptrdiff_t>(row));
  return tensors;
}

}  // namespace xlstm
