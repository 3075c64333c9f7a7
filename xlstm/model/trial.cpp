#include "xlstm/model/trial.h"

#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

std::size_t layers_with_state(const Plan& plan) {
  std::size_t count = 0;
  for (const Layer& layer : plan.layers) count += layer.state.empty() ? 0 : 1;
  return count;
}

}  // namespace

Trial::Trial(const Model& model, StateBatch& states, std::span<const std::int32_t> ids)
    : model_(model), states_(states), ids_(ids.begin(), ids.end()) {
  const auto B = static_cast<std::int64_t>(states.rows());
  if (B == 0 || ids.empty() || std::ssize(ids) % B != 0) {
    fail_wanted(ErrorKind::kUsage, "trial", str("tokens of ", B, " rows"), str(ids.size()));
  }
  S_ = std::ssize(ids) / B;
  for (std::size_t row = 0; row < states.rows(); ++row) before_.push_back(states.copy(row));
  states.start_trial();
  try {
    logits_ = model.forward(model.backend().ids({B, S_}, ids), states, Positions::kAll);
  } catch (...) {
    states.end_trial();
    while (states.rows() > 0) states.remove(states.rows() - 1);
    for (State& state : before_) states.add(std::move(state));
    throw;
  }
  replays_ = states.end_trial();
  all_replay_ = replays_.size() == layers_with_state(model.plan());
}

void Trial::accept(std::span<const std::int64_t> n) {
  if (n.size() != before_.size()) {
    fail_wanted(ErrorKind::kUsage, "trial", str("numbers for ", before_.size(), " rows"),
                str(n.size()));
  }
  for (const std::int64_t each : n) {
    if (each < 0 || each > S_) {
      fail_wanted(ErrorKind::kUsage, "trial", str("0 to ", S_, " tokens"), str(each));
    }
  }
  for (std::size_t row = 0; row < n.size(); ++row) {
    State before = std::exchange(before_[row], {});
    if (n[row] == S_) continue;
    const std::unique_ptr<StateBatch> states = model_.states_of(std::move(before));
    if (n[row] > 0) move_on(*states, row, n[row]);
    states_.replace(row, states->remove(0));
  }
  replays_.clear();
}

void Trial::move_on(StateBatch& row_states, std::size_t row, std::int64_t n) {
  if (!all_replay_) {  // some layer's state has no shorter way
    const auto own =
        std::span(ids_).subspan(row * static_cast<std::size_t>(S_), static_cast<std::size_t>(n));
    model_.forward(model_.backend().ids({1, n}, own), row_states);
    return;
  }
  for (const StateBatch::LayerReplay& layer : replays_) {
    layer.replay(row_states, layer.first, static_cast<std::int64_t>(row), n);
  }
  row_states.positions().front() += static_cast<std::uint64_t>(n);
}

}  // namespace xlstm
