#include "xlstm/generate/perplexity.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "xlstm/base/error.h"
#include "xlstm/generate/score.h"
#include "xlstm/generate/stopwatch.h"

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

void check_length(const std::vector<TokenId>& ids, std::string_view where) {
  if (ids.size() >= 2) return;
  fail_wanted(ErrorKind::kUsage, where, "at least two tokens", str(ids.size()));
}

Perplexity result_of(const Moments& nll, double seconds) {
  Perplexity out;
  out.tokens = nll.count;
  out.mean_nll = nll.mean;
  out.perplexity = std::exp(nll.mean);
  if (nll.count > 1) {
    out.standard_error =
        out.perplexity * std::sqrt(nll.variance() / static_cast<double>(nll.count));
  }
  out.seconds = seconds;
  out.tokens_per_second = static_cast<double>(out.tokens) / std::max(out.seconds, 1e-9);
  return out;
}

}  // namespace

Perplexity perplexity(const Model& model, const std::vector<TokenId>& ids,
                      const std::function<void(std::int64_t)>& on_progress, std::int64_t segment) {
  check_length(ids, "perplexity");
  const Stopwatch watch;

  if (on_progress) on_progress(0);
  Moments nll;
  State state = model.initial_state();
  score(model, state, ids,
        {.segment = segment, .on_segment = [&](std::size_t, std::span<const float> scores) {
           for (const float each : scores) nll.add(-each);
           if (on_progress) on_progress(nll.count);
         }});

  return result_of(nll, watch.seconds());
}

Perplexities perplexities(const Model& model, std::span<const std::vector<TokenId>> texts,
                          const std::function<void(std::int64_t)>& on_progress) {
  for (std::size_t text = 0; text < texts.size(); ++text) {
    check_length(texts[text], str("perplexity of text ", text));
  }
  const Stopwatch watch;
  std::vector<Moments> of_text(texts.size());
  Moments all;
  score_texts(model, texts, [&](std::size_t text, std::size_t, std::span<const float> scores) {
    for (const float each : scores) {
      of_text[text].add(-each);
      all.add(-each);
    }
    if (on_progress) on_progress(all.count);
  });
  const double seconds = watch.seconds();
  Perplexities out = {{}, result_of(all, seconds)};
  for (const Moments& each : of_text) out.of_text.push_back(result_of(each, seconds));
  return out;
}

}  // namespace xlstm
