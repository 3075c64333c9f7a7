#include "xlstm/backend/state.h"

#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {

std::uint64_t State::bytes() const {
  std::uint64_t sum = 0;
  for (const Tensor& tensor : tensors) sum += tensor.bytes();
  return sum;
}

void StateBatch::add(State state) {
  positions_.reserve(positions_.size() + 1);  // what may throw comes first
  add_tensors(std::move(state.tensors));
  positions_.push_back(state.position);
}

State StateBatch::remove(std::size_t row) {
  if (row >= rows()) {
    fail_wanted(ErrorKind::kInternal, "state batch", str("a row below ", rows()), str(row));
  }
  State state = {remove_tensors(row), positions_[row]};
  positions_.erase(positions_.begin() + static_cast<std::ptrdiff_t>(row));
  return state;
}

}  // namespace xlstm
