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

// Rows that are read side by side: enough to share the weights, few enough for their states.
constexpr std::size_t kTextsAtOnce = 64;

// Texts side by side, the longest first: rows end from behind.
class SideBySide {
 public:
  SideBySide(const Model& model, std::span<const std::vector<TokenId>> texts,
             std::span<const std::size_t> order)
      : model_(model), backend_(model.backend()), texts_(texts), order_(order) {}

  template <typename OnSegment>
  void read(const OnSegment& on_segment) {
    const std::unique_ptr<StateBatch> states = model_.initial_states(order_.size());
    const std::int64_t most = default_segment(model_.plan().V);
    for (std::size_t begin = 0; states->rows() > 0;) {
      const std::size_t left = text_of(states->rows() - 1).size() - begin;
      if (left == 0) {
        states->remove(states->rows() - 1);
        continue;
      }
      const auto share = static_cast<std::size_t>(
          std::max<std::int64_t>(1, most / static_cast<std::int64_t>(states->rows())));
      const std::size_t S = std::min(left, share);
      const std::vector<float> values = read_segment(*states, begin, S);
      for (std::size_t row = 0; row < states->rows(); ++row) {
        const std::size_t count = std::min(S, text_of(row).size() - begin - 1);
        const auto own = std::span(values).subspan(row * S, count);
        for (std::size_t i = 0; i < count; ++i) {
          check_finite(own[i], begin + i + 1, str(model_.plan().name, ", text ", order_[row]));
        }
        if (count > 0) on_segment(order_[row], begin + 1, own);
      }
      begin += S;
    }
  }

 private:
  const std::vector<TokenId>& text_of(std::size_t row) const { return texts_[order_[row]]; }

  // [B * S]: the log-probabilities of the tokens after those read; what follows a text's last one
  // does not count.
  std::vector<float> read_segment(StateBatch& states, std::size_t begin, std::size_t S) {
    const auto B = static_cast<std::int64_t>(states.rows());
    std::vector<TokenId> ids, targets;
    for (std::size_t row = 0; row < states.rows(); ++row) {
      const std::vector<TokenId>& text = text_of(row);
      for (std::size_t at = begin; at < begin + S; ++at) {
        ids.push_back(text[at]);
        targets.push_back(at + 1 < text.size() ? text[at + 1] : 0);
      }
    }
    const Tensor logits = model_.forward(backend_.ids({B, static_cast<std::int64_t>(S)}, ids),
                                         states, Positions::kAll);
    const Tensor nll =
        backend_.negative_log_likelihood(logits, backend_.ids({std::ssize(targets)}, targets));
    std::vector<float> values;
    for (const float each : backend_.read_floats(nll)) values.push_back(-each);
    states.evaluate();
    return values;
  }

  const Model& model_;
  Backend& backend_;
  std::span<const std::vector<TokenId>> texts_;
  std::span<const std::size_t> order_;
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

void score_texts(const Model& model, std::span<const std::vector<TokenId>> texts,
                 const std::function<void(std::size_t text, std::size_t first,
                                          std::span<const float> log_probabilities)>& on_segment) {
  std::vector<std::size_t> order;
  for (std::size_t text = 0; text < texts.size(); ++text) {
    check_ids(texts[text], model.plan().V);
    order.push_back(text);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return texts[a].size() > texts[b].size(); });
  for (std::size_t begin = 0; begin < order.size(); begin += kTextsAtOnce) {
    const std::size_t count = std::min(kTextsAtOnce, order.size() - begin);
    SideBySide(model, texts, std::span(order).subspan(begin, count)).read(on_segment);
  }
}

}  // namespace xlstm
