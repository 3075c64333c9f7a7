#include "xlstm/forecast/tirex/padding_states.h"

#include <utility>

namespace xlstm::tirex {

std::unique_ptr<StateBatch> PaddingStates::behind(const SeriesModel& model, std::int64_t tokens,
                                                  std::int64_t width, std::size_t rows) {
  if (tokens == 0) return model.loaded().initial_states(rows);
  auto found = states_.find(tokens);
  if (found == states_.end()) {
    // From the start, not from fewer tokens' state: results must not depend on what was asked
    // before.
    const auto states = model.loaded().initial_states();
    model.forward(model.backend().filled({tokens, width}, 0), *states, {.last = 1});
    states->evaluate();
    found = states_.emplace(tokens, states->remove(0)).first;
  }
  std::unique_ptr<StateBatch> out = model.backend().state_batch();
  for (std::size_t row = 0; row < rows; ++row) out->add(found->second);
  return out;
}

}  // namespace xlstm::tirex
