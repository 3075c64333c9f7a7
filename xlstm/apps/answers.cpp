#include "xlstm/apps/answers.h"

#include <algorithm>
#include <exception>
#include <map>
#include <numeric>
#include <utility>

#include "xlstm/backend/sampling.h"
#include "xlstm/base/error.h"
#include "xlstm/generate/batch.h"
#include "xlstm/group/group.h"

namespace xlstm::apps {
namespace {

void check(const Request& request, const AnswersWanted& wanted) {
  if (wanted.n < 1) fail_wanted(ErrorKind::kUsage, "--n", "1 or more", str(wanted.n));
  if (wanted.best_of && *wanted.best_of < wanted.n) {
    fail_wanted(ErrorKind::kUsage, "--best-of", str("at least the ", wanted.n, " answers of --n"),
                str(*wanted.best_of));
  }
  if (request.max_tokens < 1) {
    fail_wanted(ErrorKind::kUsage, "--max-tokens", "1 or more, for several answers",
                str(request.max_tokens));
  }
}

class SeveralAnswers {
 public:
  SeveralAnswers(const Engine& engine, const Session& session, Request request, int count)
      : session_(session),
        request_(std::move(request)),
        count_(count),
        batch_(engine.batch()),
        segment_(engine.model().backend().segment_tokens()) {
    if (!request_.seed) {
      request_.seed = agreed(engine.model().backend().group(), random_seed());
    }
  }

  std::vector<Answer> run(const std::function<void(double)>& on_progress) {
    add_rows(on_progress);
    collect();
    while (batch_.step()) collect();
    collect();
    return std::move(answers_);
  }

 private:
  // The prompt is read by the first; the others are forks of it.
  void add_rows(const std::function<void(double)>& on_progress) {
    const auto all = static_cast<double>(request_.max_tokens) * count_;
    request_.on_token = [this, on_progress, all](const TokenEvent& event) {
      if (event.id) on_progress(static_cast<double>(++tokens_) / all);
      return true;
    };
    const Batch::Row first = batch_.add(session_.sequence(request_));
    numbers_[first] = 0;
    while (batch_.prefill(first, segment_) > 0) {
    }
    collect();
    if (batch_.rows() == 0) return;  // cancelled
    for (int number = 1; number < count_; ++number) {
      const std::uint64_t seed = *request_.seed + static_cast<std::uint64_t>(number);
      numbers_[batch_.fork(first, seed, request_.on_token)] = number;
    }
  }

  void collect() {
    for (const Batch::Finished& each : batch_.take_finished()) {
      if (each.error) std::rethrow_exception(each.error);
      Session after = session_;
      after.go_on_from(*each.sequence);
      answers_.push_back({numbers_.at(each.row), each.sequence->result(), std::move(after)});
    }
  }

  const Session& session_;
  Request request_;
  int count_;
  Batch batch_;
  std::int64_t segment_;
  std::map<Batch::Row, int> numbers_;
  std::int64_t tokens_ = 0;
  std::vector<Answer> answers_;
};

}  // namespace

double mean_log_probability(const Completion& completion) {
  const std::vector<float>& each = completion.log_probabilities;
  const double sum = std::accumulate(each.begin(), each.end(), 0.0);
  return each.empty() ? 0 : sum / static_cast<double>(each.size());
}

std::vector<Answer> answers(const Engine& engine, const Session& session, Request request,
                            const AnswersWanted& wanted,
                            const std::function<void(double)>& on_progress) {
  check(request, wanted);
  if (wanted.best_of && !request.top_log_probabilities) request.top_log_probabilities = 0;
  std::vector<Answer> all =
      SeveralAnswers(engine, session, std::move(request), wanted.best_of.value_or(wanted.n))
          .run(on_progress);
  std::sort(all.begin(), all.end(), [&](const Answer& a, const Answer& b) {
    const double x = mean_log_probability(a.completion), y = mean_log_probability(b.completion);
    return wanted.best_of && x != y ? x > y : a.number < b.number;
  });
  all.erase(all.begin() + std::min<std::ptrdiff_t>(wanted.n, std::ssize(all)), all.end());
  return all;
}

}  // namespace xlstm::apps
