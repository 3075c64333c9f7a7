// Tokens that are read on trial, such as the guesses of a draft: their logits come at once, and
// then only the first few are kept.
//
// The states before the tokens are kept beside those after them (a copy of the states, made while
// they are read). To keep the first n tokens of S, each layer moves its state on by them from what
// it has computed already, which costs a pass over the state and no weight is read again.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "xlstm/model/model.h"

namespace xlstm {

class Trial {
 public:
  // Reads ids [B, S], row-major, S >= 1, B = states.rows(); `states` are then after all of them.
  // Both references are kept. Throws as Model::forward does; `states` is as it was then.
  Trial(const Model& model, StateBatch& states, std::span<const std::int32_t> ids);

  std::int64_t S() const { return S_; }
  const Tensor& logits() const { return logits_; }  // [B * S, V]: after each token

  // Keeps the first n[row] tokens of each row, 0 to S: `states` are then after those. To be called
  // once; without it all are kept. Throws Error(kUsage) for other n.
  void accept(std::span<const std::int64_t> n);

 private:
  void move_on(StateBatch& row_states, std::size_t row, std::int64_t n);

  const Model& model_;
  StateBatch& states_;
  std::vector<std::int32_t> ids_;
  std::int64_t S_;
  std::vector<State> before_;
  std::vector<StateBatch::LayerReplay> replays_;
  bool all_replay_ = false;  // whether every layer with a state has left one
  Tensor logits_;
};

}  // namespace xlstm
