#include "xlstm/generate/score.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

void check_ids(std::span<const TokenId> ids, std::int64_t V) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < V) continue;
    fail_wanted(ErrorKind::kUsage, "score", str("token ids in [0, ", V, ")"),
                str(ids[i], " at ", i));
  }
}

// Tokens whose logits take 32 MiB: long enough for products to be busy, short enough for a laptop.
std::int64_t default_segment(std::int64_t V) {
  constexpr std::int64_t kLogits = (32 << 20) / 4;
  return std::clamp<std::int64_t>(kLogits / V / kSegmentMultiple * kSegmentMultiple,
                                  kSegmentMultiple, 1024);
}

// Tokens are read in chunks, in which a NaN reaches the earlier ones too: the place is near.
void check_finite(float nll, std::size_t position, const std::string& model) {
  if (std::isfinite(nll)) return;
  fail_wanted(ErrorKind::kModel, model, "a likelihood for every token",
              str("a negative log-likelihood of ", nll, " near token ", position,
                  ": weights are not finite or too large for their type"));
}

// One call of score().
class Scoring {
 public:
  Scoring(const Model& model, std::span<const TokenId> ids, const ScoreOptions& options)
      : model_(model), backend_(model.backend()), ids_(ids), options_(options) {}

  // Tokens ids_[first, ...) by the rows of `logits` [T, V].
  void tell(const Tensor& logits, std::size_t first) {
    const auto T = static_cast<std::size_t>(logits.shape()[0]);
    if (T == 0) return;
    const Tensor targets = backend_.ids({logits.shape()[0]}, ids_.subspan(first, T));
    const Tensor nll = backend_.negative_log_likelihood(logits, targets);
    std::vector<float> values;
    for (const float each : backend_.read_floats(nll)) {
      check_finite(each, first + values.size(), model_.plan().name);
      values.push_back(-each);
    }
    options_.on_segment(first, values);
  }

  // Returns the logits [1, V] of the token after all.
  Tensor read(StateBatch& states) {
    const std::int64_t V = model_.plan().V;
    const auto step =
        static_cast<std::size_t>(options_.segment > 0 ? options_.segment : default_segment(V));
    Tensor last;
    for (std::size_t begin = 0; begin < ids_.size(); begin += step) {
      const std::size_t size = std::min(step, ids_.size() - begin);
      const auto S = static_cast<std::int64_t>(size);
      const Tensor logits =
          model_.forward(backend_.ids({1, S}, ids_.subspan(begin, size)), states, Positions::kAll);
      const bool is_end = begin + size == ids_.size();
      tell(is_end ? backend_.tokens(logits, 1, 0, S - 1) : logits, begin + 1);
      if (is_end) last = backend_.tokens(logits, 1, S - 1, S);
      states.evaluate();
    }
    return last;
  }

 private:
  const Model& model_;
  Backend& backend_;
  std::span<const TokenId> ids_;
  const ScoreOptions& options_;
};

}  // namespace

void score(const Model& model, State& state, std::span<const TokenId> ids,
           const ScoreOptions& options) {
  check_ids(ids, model.plan().V);
  if (ids.empty()) return;
  Backend& backend = model.backend();
  const std::int64_t V = model.plan().V;
  Scoring scoring(model, ids, options);
  if (state.next_logits) scoring.tell(backend.reshape(state.next_logits, {1, V}), 0);
  const std::unique_ptr<StateBatch> states = model.states_of(state);
  const Tensor last = scoring.read(*states);
  State next = states->remove(0);
  next.next_logits = backend.reshape(last, {V});
  state = std::move(next);
}

std::vector<float> score(const Model& model, State& state, std::span<const TokenId> ids) {
  std::vector<float> all;
  score(model, state, ids,
        {.on_segment = [&](std::size_t, std::span<const float> log_probabilities) {
          all.insert(all.end(), log_probabilities.begin(), log_probabilities.end());
        }});
  return all;
}

}  // namespace xlstm
