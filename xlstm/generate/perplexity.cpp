#include "xlstm/generate/perplexity.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

void check_ids(const std::vector<TokenId>& ids, std::int64_t V) {
  if (ids.size() < 2) {
    fail_wanted(ErrorKind::kUsage, "perplexity", "at least two tokens", str(ids.size()));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < V) continue;
    fail_wanted(ErrorKind::kUsage, "perplexity", str("token ids in [0, ", V, ")"),
                str(ids[i], " at ", i));
  }
}

// Tokens whose logits take 32 MiB: long enough for products to be busy, short enough for a laptop.
std::int64_t default_segment(std::int64_t V) {
  constexpr std::int64_t kLogits = (32 << 20) / 4;
  return std::clamp<std::int64_t>(kLogits / V / 64 * 64, 64, 1024);
}

// Mean and variance of a stream of numbers, in one pass (Welford).
struct Moments {
  std::int64_t count = 0;
  double mean = 0, squares = 0;  // squares: sum of squared distances from the mean

  void add(double x) {
    const double distance = x - mean;
    mean += distance / static_cast<double>(++count);
    squares += distance * (x - mean);
  }
  double variance() const { return squares / static_cast<double>(count - 1); }  // of two or more
};

// Tokens are read in chunks, in which a NaN reaches the earlier ones too: the place is near.
void check_finite(float nll, std::size_t position, const std::string& model) {
  if (std::isfinite(nll)) return;
  fail_wanted(ErrorKind::kModel, model, "a likelihood for every token",
              str("a negative log-likelihood of ", nll, " near token ", position + 1,
                  ": weights are not finite or too large for their type"));
}

}  // namespace

Perplexity perplexity(const Model& model, const std::vector<TokenId>& ids,
                      const std::function<void(std::int64_t)>& on_progress, std::int64_t segment) {
  const std::int64_t V = model.plan().V;
  check_ids(ids, V);
  const auto step = static_cast<std::size_t>(segment > 0 ? segment : default_segment(V));
  const auto start = std::chrono::steady_clock::now();

  if (on_progress) on_progress(0);
  Moments nll;
  Backend& backend = model.backend();
  const std::unique_ptr<StateBatch> states = model.initial_states();
  for (std::size_t begin = 0; begin + 1 < ids.size(); begin += step) {
    const std::size_t size = std::min(step, ids.size() - 1 - begin);
    const auto S = static_cast<std::int64_t>(size);
    const std::span<const TokenId> all(ids);
    const Tensor logits =
        model.forward(backend.ids({1, S}, all.subspan(begin, size)), *states, Positions::kAll);
    const Tensor likelihoods =
        backend.negative_log_likelihood(logits, backend.ids({S}, all.subspan(begin + 1, size)));
    const std::span<const float> values = backend.read_floats(likelihoods);
    states->evaluate();
    for (std::size_t i = 0; i < size; ++i) {
      check_finite(values[i], begin + i, model.plan().name);
      nll.add(values[i]);
    }
    if (on_progress) on_progress(nll.count);
  }

  Perplexity out;
  out.tokens = nll.count;
  out.mean_nll = nll.mean;
  out.perplexity = std::exp(nll.mean);
  if (nll.count > 1) {
    out.standard_error =
        out.perplexity * std::sqrt(nll.variance() / static_cast<double>(nll.count));
  }
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  out.tokens_per_second = static_cast<double>(out.tokens) / std::max(out.seconds, 1e-9);
  return out;
}

}  // namespace xlstm
