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

void StateBatch::check_row(std::size_t row) const {
  if (row < rows()) return;
  fail_wanted(ErrorKind::kInternal, "state batch", str("a row below ", rows()), str(row));
}

State StateBatch::remove(std::size_t row) {
  check_row(row);
  State state = {remove_tensors(row), positions_[row]};
  positions_.erase(positions_.begin() + static_cast<std::ptrdiff_t>(row));
  return state;
}

State StateBatch::copy(std::size_t row) const {
  check_row(row);
  return {copy_tensors(row), positions_[row]};
}

void StateBatch::replace(std::size_t row, State state) {
  check_row(row);
  replace_tensors(row, std::move(state.tensors));
  positions_[row] = state.position;
}

std::vector<StateBatch::LayerReplay> StateBatch::end_trial() {
  is_on_trial_ = false;
  return std::exchange(replays_, {});
}

void StateBatch::add_replay(std::size_t first, StateReplay replay) {
  replays_.push_back({first, std::move(replay)});
}

}  // namespace xlstm
