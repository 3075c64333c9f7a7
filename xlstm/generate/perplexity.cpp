#include "xlstm/generate/perplexity.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>

#include "xlstm/base/error.h"
#include "xlstm/generate/score.h"

namespace xlstm {
namespace {

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

}  // namespace

Perplexity perplexity(const Model& model, const std::vector<TokenId>& ids,
                      const std::function<void(std::int64_t)>& on_progress, std::int64_t segment) {
  if (ids.size() < 2) {
    fail_wanted(ErrorKind::kUsage, "perplexity", "at least two tokens", str(ids.size()));
  }
  const auto start = std::chrono::steady_clock::now();

  if (on_progress) on_progress(0);
  Moments nll;
  State state = model.initial_state();
  score(model, state, ids,
        {.segment = segment, .on_segment = [&](std::size_t, std::span<const float> scores) {
           for (const float each : scores) nll.add(-each);
           if (on_progress) on_progress(nll.count);
         }});

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
