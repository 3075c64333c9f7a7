// What a program asks of engines and sessions beyond a text for a text: ids, events, likelihoods,
// logits, reasons to stop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/engine/classics_engine.h"
#include "xlstm/base/error.h"
#include "xlstm/engine/engine.h"
#include "xlstm/generate/perplexity.h"
#include "xlstm/generate/sequence.h"
#include "xlstm/grammar/constraint.h"
#include "xlstm/model/model.h"

namespace xlstm {
namespace {

using test::engine;
using test::greedy;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Ids = std::vector<std::int32_t>;

constexpr std::int32_t kBos = 0;
const std::string kPrompt = "It was a dark night and";

Ids encode(const std::string& text) {
  return engine().tokenizer().encode(text);
}

Ids with_bos(Ids ids) {
  ids.insert(ids.begin(), kBos);
  return ids;
}

Request greedy_ids(Ids ids, std::int64_t max_tokens) {
  Request request = greedy("", max_tokens);
  request.prompt_ids = std::move(ids);
  return request;
}

template <typename Call>
void expect_usage(const Call& call, const std::string& message) {
  try {
    call();
    ADD_FAILURE() << "accepted, wanted " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

std::size_t argmax(const std::vector<float>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

double log_sum_exp(const std::vector<float>& logits) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit));
  return std::log(sum);
}

// --- prompts of ids --------------------------------------------------------------------------

TEST(Api, PromptIdsAreThePromptSText) {
  const Completion text = engine().complete(greedy(kPrompt, 12));
  const Completion ids = engine().complete(greedy_ids(with_bos(encode(kPrompt)), 12));
  EXPECT_EQ(ids.tokens, text.tokens);
  EXPECT_EQ(ids.text, text.text);
  EXPECT_EQ(ids.prompt_tokens, text.prompt_tokens);

  Request bare = greedy(kPrompt, 12);  // ids get no BOS
  bare.add_bos = false;
  const Completion without = engine().complete(greedy_ids(encode(kPrompt), 12));
  EXPECT_EQ(without.tokens, engine().complete(bare).tokens);
  EXPECT_EQ(without.prompt_tokens + 1, ids.prompt_tokens);
}

TEST(Api, PromptIdsGoOnInASession) {
  Session text = engine().session(), ids = engine().session();
  text.read(kPrompt);
  ids.complete(greedy_ids(with_bos(encode(kPrompt)), 0));
  EXPECT_EQ(ids.position(), text.position());
  EXPECT_EQ(ids.complete(greedy_ids(encode(" the"), 8)).tokens,
            text.complete(greedy(" the", 8)).tokens);
  EXPECT_EQ(ids.complete(greedy_ids({}, 8)).tokens, text.complete(greedy("", 8)).tokens);
}

TEST(Api, PromptIdsThatCannotBeReadAreRefused) {
  Request both = greedy_ids({5}, 1);
  both.prompt = "and";
  expect_usage([&] { engine().complete(both); }, "a text or token ids, got both");
  expect_usage([] { engine().complete(greedy_ids({5, 4096}, 1)); }, "[0, 4096), got 4096");
  expect_usage([] { engine().complete(greedy_ids({-1}, 1)); }, "[0, 4096), got -1");
  expect_usage([] { engine().complete(greedy_ids({}, 1)); }, "prompt");
  expect_usage([] { engine().sequence(greedy_ids({5, 4096}, 1)); }, "[0, 4096), got 4096");
}

// --- events ----------------------------------------------------------------------------------

struct Events {
  Ids ids;
  std::string text;
  std::vector<float> log_probabilities;
  std::vector<std::vector<TokenProbability>> top;

  OnToken recorder() {
    return [this](const TokenEvent& event) {
      text += event.text;
      if (event.id) ids.push_back(*event.id);
      if (event.log_probability) log_probabilities.push_back(*event.log_probability);
      if (event.id) top.push_back(event.top);
      return true;
    };
  }
};

TEST(Api, EventsTellIdsAndTextAsTheyCome) {
  Events events;
  Request request = greedy(kPrompt, 20);
  request.on_token = events.recorder();
  std::string text;
  const Completion out = engine().complete(request, [&](std::string_view piece) {
    EXPECT_FALSE(piece.empty());
    text += piece;
    return true;
  });
  EXPECT_EQ(events.ids, out.tokens);
  EXPECT_EQ(events.text, out.text);
  EXPECT_EQ(text, out.text);
  EXPECT_THAT(events.log_probabilities, IsEmpty());  // nobody asked
  EXPECT_THAT(out.log_probabilities, IsEmpty());
  EXPECT_THAT(events.top.front(), IsEmpty());
}

TEST(Api, EventsTellLogProbabilitiesWhereAskedFor) {
  for (const int n : {0, 1, 5}) {
    Events events;
    Request request = greedy(kPrompt, 6);
    request.on_token = events.recorder();
    request.top_log_probabilities = n;
    const Completion out = engine().complete(request);
    EXPECT_EQ(out.tokens, engine().complete(greedy(kPrompt, 6)).tokens);
    EXPECT_EQ(events.log_probabilities, out.log_probabilities);
    ASSERT_THAT(events.log_probabilities, SizeIs(6));
    for (std::size_t i = 0; i < 6; ++i) {
      const std::vector<TokenProbability>& top = events.top[i];
      ASSERT_THAT(top, SizeIs(n));
      if (n == 0) continue;
      EXPECT_EQ(top[0].id, out.tokens[i]);  // greedy
      EXPECT_EQ(top[0].log_probability, out.log_probabilities[i]);
    }
  }
}

TEST(Api, LogProbabilitiesAreThoseOfTheLogitsBeforeSampling) {
  Session session = engine().session();
  session.read(kPrompt);
  const std::vector<float> logits = session.next_logits();
  Request request = {.max_tokens = 1, .temperature = 0.3F, .top_k = 3, .seed = 1};
  request.top_log_probabilities = 3;
  const Completion out = session.complete(request);
  const double sum = log_sum_exp(logits);
  const float largest = std::abs(*std::max_element(
      logits.begin(), logits.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
  // The same logits; the sum of V exponentials and the subtraction round a few times at their size.
  const double tolerance =
      8 * std::numeric_limits<float>::epsilon() * (largest + std::log(logits.size()));
  const auto truth = [&](std::int32_t id) { return logits[static_cast<std::size_t>(id)] - sum; };
  EXPECT_NEAR(out.log_probabilities.at(0), truth(out.tokens.at(0)), tolerance);
  for (const TokenProbability& each : out.top.at(0)) {
    EXPECT_NEAR(each.log_probability, truth(each.id), tolerance);
  }
}

TEST(Api, RequestsForLogProbabilitiesOutOfRangeAreRefused) {
  for (const int n : {-1, 4097}) {
    Request request = greedy(kPrompt, 1);
    request.top_log_probabilities = n;
    expect_usage([&] { engine().complete(request); }, "0 to 4096");
  }
}

// --- likelihoods and logits ------------------------------------------------------------------

TEST(Api, ScoresAreThePerplexity) {
  const Ids ids = with_bos(encode(test::book("alice.txt").substr(0, 3000)));
  const std::vector<float> scores = engine().score(ids);
  ASSERT_EQ(scores.size(), ids.size() - 1);
  const Perplexity whole = perplexity(engine().model(), ids);
  const double mean =
      -std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
  // The same float32 values, summed in float64 in another order: 2^-53 x length x magnitude.
  EXPECT_NEAR(mean, whole.mean_nll,
              std::numeric_limits<double>::epsilon() * static_cast<double>(scores.size()) * 20);
}

TEST(Api, ScoringReads) {
  const Ids ids = with_bos(encode(kPrompt));
  Session scored = engine().session(), read = engine().session();
  EXPECT_THAT(scored.score(ids), SizeIs(ids.size() - 1));  // nothing comes before the first
  read.read(kPrompt);
  EXPECT_EQ(scored.position(), read.position());

  const Ids more = encode(" the old man");
  EXPECT_THAT(scored.score(more), SizeIs(more.size()));  // now something does
  read.read(" the old man");
  EXPECT_EQ(scored.position(), read.position());
  EXPECT_EQ(scored.complete(greedy("", 16)).tokens, read.complete(greedy("", 16)).tokens);
}

TEST(Api, AScoreIsThatOfTheNextLogits) {
  Session session = engine().session();
  session.read(kPrompt);
  const std::vector<float> logits = session.next_logits();
  const std::int32_t id = encode(" the").front();
  const float score = session.score({id}).at(0);
  EXPECT_NEAR(score, logits[static_cast<std::size_t>(id)] - log_sum_exp(logits), 1e-4);
}

TEST(Api, ScoringThatFailsChangesNothing) {
  Session session = engine().session();
  session.read(kPrompt);
  Session twin = session;
  expect_usage([&] { session.score({5, 4096}); }, "[0, 4096), got 4096 at 1");
  EXPECT_THAT(session.score({}), IsEmpty());
  EXPECT_EQ(session.position(), twin.position());
  EXPECT_EQ(session.complete(greedy("", 8)).tokens, twin.complete(greedy("", 8)).tokens);
}

TEST(Api, TheLikeliestOfTheNextLogitsComesNext) {
  Session session = engine().session();
  expect_usage([&] { session.next_logits(); }, "one that has read something");
  session.read(kPrompt);
  for (int i = 0; i < 5; ++i) {
    const std::vector<float> logits = session.next_logits();
    ASSERT_THAT(logits, SizeIs(4096));
    const Ids next = session.complete(greedy("", 1)).tokens;
    EXPECT_EQ(static_cast<std::size_t>(next.at(0)), argmax(logits));
  }
}

// --- reasons to stop -------------------------------------------------------------------------

// Lets one id come, once.
class Once final : public Constraint {
 public:
  explicit Once(std::int32_t id) : id_(id) {}
  std::unique_ptr<Constraint> clone() const override { return std::make_unique<Once>(*this); }
  void allow(TokenMask& mask) override {
    mask.clear();
    if (!come_) mask.set(id_);
  }
  void accept(TokenId) override { come_ = true; }
  bool may_end() const override { return come_; }
  std::string where() const override { return "once"; }

 private:
  std::int32_t id_;
  bool come_ = false;
};

TEST(Api, StopReasonsSayWhatEndedTheAnswer) {
  const auto reason = [](const Request& request, const OnCompletionText& on_text = {}) {
    const StopReason stop = engine().complete(request, on_text).stop_reason;
    return std::string(name_of(stop));
  };
  Request request = greedy(kPrompt, 20);
  EXPECT_EQ(reason(request), "max_tokens");
  EXPECT_EQ(reason(request, [](std::string_view) { return false; }), "cancelled");

  request.stop = {" night"};
  EXPECT_EQ(reason(request), "stop_string");

  request = greedy(kPrompt, 20);
  request.on_token = [](const TokenEvent&) { return false; };
  EXPECT_EQ(reason(request), "cancelled");
  request.on_token = {};
  int asked = 0;
  request.cancelled = [&asked] { return ++asked == 4; };
  EXPECT_EQ(reason(request), "cancelled");

  request = greedy(kPrompt, 20);
  request.logit_bias = {{kBos, 1e6F}};
  EXPECT_EQ(reason(request), "max_tokens");
  request.end_tokens = {kBos};
  EXPECT_EQ(reason(request), "end_token");
  request.end_tokens = {};
  request.stop_at_end_token = true;  // the model's own is the same one
  EXPECT_EQ(reason(request), "end_token");

  request = greedy(kPrompt, 20);
  request.constraint = std::make_shared<Once>(300);
  EXPECT_EQ(reason(request), "complete");
}

}  // namespace
}  // namespace xlstm
