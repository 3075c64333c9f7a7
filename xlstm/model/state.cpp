#include "xlstm/model/state.h"

#include <algorithm>
#include <utility>

#include "mlx/ops.h"
#include "xlstm/base/error.h"
#include "xlstm/ops/evaluate.h"

namespace xlstm {
namespace {
namespace mx = mlx::core;

void check_rows(const std::vector<int>& rows, int batch, std::string_view where) {
  for (const int row : rows) {
    if (row >= 0 && row < batch) continue;
    fail_wanted(ErrorKind::kUsage, where, str("rows in [0, ", batch, ")"), str(row));
  }
}

// Applies `change` to the three arrays of a block.
template <typename Change>
ops::MlstmState changed(const ops::MlstmState& block, const Change& change) {
  return {change(block.C), change(block.n), change(block.m)};
}

}  // namespace

std::uint64_t ModelState::bytes() const {
  std::uint64_t sum = 0;
  for (const ops::MlstmState& block : blocks) {
    sum += block.C.nbytes() + block.n.nbytes() + block.m.nbytes();
  }
  return sum;
}

ModelState ModelState::gather(const std::vector<int>& rows) const {
  check_rows(rows, batch(), "ModelState::gather");
  const mx::array index(rows.begin(), {static_cast<int>(rows.size())}, mx::int32);
  ModelState out;
  for (const int row : rows) out.positions.push_back(positions[static_cast<std::size_t>(row)]);
  for (const ops::MlstmState& block : blocks) {
    out.blocks.push_back(changed(block, [&](const mx::array& a) { return mx::take(a, index, 0); }));
  }
  if (next_logits) out.next_logits = mx::take(*next_logits, index, 0);
  return out;
}

ModelState ModelState::drop(const std::vector<int>& rows) const {
  check_rows(rows, batch(), "ModelState::drop");
  std::vector<int> kept;
  for (int row = 0; row < batch(); ++row) {
    if (std::find(rows.begin(), rows.end(), row) == rows.end()) kept.push_back(row);
  }
  return gather(kept);
}

ModelState ModelState::stack(const std::vector<ModelState>& states) {
  ModelState out;
  if (states.empty()) return out;
  for (const ModelState& state : states) {
    if (state.blocks.size() != states[0].blocks.size()) {
      fail_wanted(ErrorKind::kUsage, "ModelState::stack", str(states[0].blocks.size(), " blocks"),
                  str(state.blocks.size()));
    }
    out.positions.insert(out.positions.end(), state.positions.begin(), state.positions.end());
  }
  for (std::size_t l = 0; l < states[0].blocks.size(); ++l) {
    const auto joined = [&](mx::array ops::MlstmState::*member) {
      std::vector<mx::array> parts;
      for (const ModelState& state : states) parts.push_back(state.blocks[l].*member);
      return mx::concatenate(parts, 0);
    };
    out.blocks.push_back(
        {joined(&ops::MlstmState::C), joined(&ops::MlstmState::n), joined(&ops::MlstmState::m)});
  }
  std::vector<mx::array> logits;
  for (const ModelState& state : states) {
    if (state.next_logits) logits.push_back(*state.next_logits);
  }
  if (logits.size() == states.size()) out.next_logits = mx::concatenate(logits, 0);
  return out;
}

void ModelState::eval() const {
  std::vector<mx::array> arrays;
  for (const ops::MlstmState& block : blocks) {
    arrays.insert(arrays.end(), {block.C, block.n, block.m});
  }
  if (next_logits) arrays.push_back(*next_logits);
  ops::evaluate(std::move(arrays));
}

}  // namespace xlstm
