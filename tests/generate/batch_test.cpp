#include "xlstm/generate/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "tests/generate/batch_fixture.h"
#include "xlstm/base/error.h"

namespace xlstm::test {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

INSTANTIATE_TEST_SUITE_P(Backends, BatchTest, ::testing::ValuesIn(testing::float32_backends()),
                         testing::backend_name);

TEST_P(BatchTest, NoRowsAreNoWork) {
  Batch batch(model());
  EXPECT_FALSE(batch.step());
  EXPECT_EQ(batch.rows(), 0U);
  EXPECT_THAT(batch.take_finished(), SizeIs(0));
}

TEST_P(BatchTest, RowsAnswerAsTheyDoAlone) {
  Batch batch(model());
  std::map<Row, Request> requests;
  for (std::size_t number = 0; number < 10; ++number) {
    const Request request = some_request(number, 5 + 7 * number, 12);
    requests[batch.add(sequence(request))] = request;
  }
  const auto finished = run(batch);
  ASSERT_EQ(finished.size(), requests.size());
  for (const auto& [row, request] : requests) {
    const Batch::Finished& each = finished.at(row);
    ASSERT_FALSE(each.error) << message_of(each.error);
    EXPECT_EQ(each.sequence->result().tokens, alone(request)) << row;
    EXPECT_EQ(each.sequence->result().text, tokenizer().decode(alone(request))) << row;
    EXPECT_EQ(each.sequence->state().position, request.prompt.size() + 12);
  }
}

TEST_P(BatchTest, AnAnswerGoesOnFromTheStateThatARowLeaves) {
  Batch batch(model());
  const Request first = some_request(5, 30, 10);
  for (std::size_t number = 1; number < 4; ++number) {
    batch.add(sequence(some_request(number, 20, 4)));  // leave before it
  }
  const Row row = batch.add(sequence(first));
  State state = std::move(run(batch).at(row).sequence->state());
  const Completion next =
      generate(model(), tokenizer(), state, {}, {.max_tokens = 10, .sampling = {.temperature = 0}});
  Request whole = first;
  whole.options.max_tokens = 20;
  const Ids expected = alone(whole);  // greedy
  EXPECT_EQ(next.tokens, Ids(expected.begin() + 10, expected.end()));
}

TEST_P(BatchTest, RowsWaitForRoom) {
  Batch batch(model(), {.max_rows = 2});
  std::size_t most = 0, under_way = 0;
  std::map<Row, Request> requests;
  for (std::size_t number = 0; number < 5; ++number) {
    const Request request = some_request(number, 10, 3 + static_cast<std::int64_t>(number));
    bool begun = false;
    requests[batch.add(sequence(request, [&, begun](const TokenEvent&) mutable {
      if (!begun) ++under_way;
      begun = true;
      most = std::max(most, under_way);
      return true;
    }))] = request;
  }
  while (batch.step()) {
    for (const Batch::Finished& each : batch.take_finished()) {
      --under_way;
      EXPECT_EQ(each.sequence->result().tokens, alone(requests.at(each.row)));
    }
  }
  EXPECT_EQ(most, 2U);
}

TEST_P(BatchTest, LogProbabilitiesAreTheModelS) {
  Request request = some_request(1, 20, 6);
  request.options.top_log_probabilities = 3;
  Batch batch(model());
  std::vector<TokenEvent> events;
  std::vector<std::string> texts;
  const Row row = batch.add(sequence(request, [&](const TokenEvent& event) {
    if (event.id) events.push_back(event);
    texts.emplace_back(event.text);
    return true;
  }));
  batch.add(sequence(some_request(0, 9, 6)));
  const auto finished = run(batch);
  const Completion& result = finished.at(row).sequence->result();
  EXPECT_EQ(result.tokens, alone(request));
  ASSERT_EQ(result.log_probabilities.size(), 6U);

  // The truth: the answer read as a text. Its logits come from other kernels, of many rows.
  Ids all = request.prompt;
  all.insert(all.end(), result.tokens.begin(), result.tokens.end());
  Backend& b = model().backend();
  const auto states = model().initial_states();
  const auto S = static_cast<std::int64_t>(all.size());
  const auto logits =
      testing::values_of(b, model().forward(b.ids({1, S}, all), *states, Positions::kAll));
  const auto V = static_cast<std::size_t>(model().plan().V);
  for (std::size_t i = 0; i < 6; ++i) {
    const float* const at = logits.data() + (request.prompt.size() + i - 1) * V;
    double sum = 0;
    for (std::size_t id = 0; id < V; ++id) sum += std::exp(static_cast<double>(at[id]));
    const auto truth = [&](TokenId id) { return at[static_cast<std::size_t>(id)] - std::log(sum); };
    // Logits of either kernel err by 2^-24 x depth x magnitude; 1e-3 is what the model's own
    // equivalence tests allow for whole = steps.
    EXPECT_NEAR(result.log_probabilities[i], truth(result.tokens[i]), 1e-3);
    ASSERT_THAT(result.top[i], SizeIs(3));
    for (const TokenProbability& each : result.top[i]) {
      EXPECT_NEAR(each.log_probability, truth(each.id), 1e-3);
    }
    EXPECT_EQ(result.top[i][0].id, std::max_element(at, at + V) - at);
    EXPECT_GE(result.top[i][0].log_probability, result.top[i][1].log_probability);
    EXPECT_EQ(*events[i].id, result.tokens[i]);
    EXPECT_EQ(events[i].log_probability, result.log_probabilities[i]);
    EXPECT_THAT(events[i].top, SizeIs(3));
  }
  std::string streamed;
  for (const std::string& text : texts) streamed += text;
  EXPECT_EQ(streamed, result.text);
}

TEST_P(BatchTest, AProcessorOfLogitsSeesTokensAndDecides) {
  Request request = some_request(0, 8, 5);
  std::vector<Ids> seen;
  request.options.process_logits = [&](std::span<const TokenId> tokens, std::span<float> logits) {
    seen.emplace_back(tokens.begin(), tokens.end());
    std::fill(logits.begin(), logits.end(), -std::numeric_limits<float>::infinity());
    logits[100 + tokens.size()] = 0;
  };
  Batch batch(model());
  const Row row = batch.add(sequence(request));
  const auto finished = run(batch);
  EXPECT_EQ(finished.at(row).sequence->result().tokens, (Ids{108, 109, 110, 111, 112}));
  ASSERT_THAT(seen, SizeIs(5));
  EXPECT_EQ(seen[0], request.prompt);
  EXPECT_EQ(seen[4].back(), 111);
}

// Lets the given ids come one after the other, then nothing or an end. May be cloned, and so may
// its clones, up to the last of so many generations.
class OneAfterTheOther final : public Constraint {
 public:
  OneAfterTheOther(Ids ids, bool may_end, int generations = 100)
      : ids_(std::move(ids)), may_end_(may_end), generations_(generations) {}
  std::unique_ptr<Constraint> clone() const override {
    if (generations_ == 0) throw std::runtime_error("the clone's own");
    auto copy = std::make_unique<OneAfterTheOther>(*this);
    --copy->generations_;
    return copy;
  }
  void allow(TokenMask& mask) override {
    mask.clear();
    if (at_ < ids_.size()) mask.set(ids_[at_]);
  }
  void accept(TokenId id) override {
    ASSERT_EQ(id, ids_.at(at_));
    ++at_;
  }
  bool may_end() const override { return may_end_ && at_ == ids_.size(); }
  std::string where() const override { return str("after ", at_, " tokens of the list"); }

 private:
  Ids ids_;
  bool may_end_;
  int generations_;
  std::size_t at_ = 0;
};

TEST_P(BatchTest, AConstraintAllowsAndCompletes) {
  Request request = some_request(2, 8, 20);
  request.options.constraint = std::make_shared<OneAfterTheOther>(Ids{7, 300, 41}, true);
  Batch batch(model());
  const Row first = batch.add(sequence(request)), second = batch.add(sequence(request));
  const auto finished = run(batch);
  for (const Row row : {first, second}) {  // each has a clone
    const Completion& result = finished.at(row).sequence->result();
    EXPECT_EQ(result.tokens, (Ids{7, 300, 41}));
    EXPECT_EQ(result.stop_reason, StopReason::kComplete);
    EXPECT_EQ(finished.at(row).sequence->state().position, 11U);
  }
}

TEST_P(BatchTest, ARowWhoseForkFailsGoesOn) {
  const Ids expected = {7, 300, 41, 9, 11, 5};
  Request request = some_request(0, 70, 20);
  request.options.constraint = std::make_shared<OneAfterTheOther>(expected, true, 1);
  Batch batch(model());
  const Row row = batch.add(sequence(request));
  const auto failure = [&]() -> std::string {
    try {
      batch.fork(row, {});
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "forked";
  };
  EXPECT_EQ(failure(), "the clone's own");  // while its prompt is read
  for (int i = 0; i < 3; ++i) batch.step();
  EXPECT_EQ(failure(), "the clone's own");  // while it decodes
  const auto finished = run(batch);
  ASSERT_THAT(finished, SizeIs(1));
  ASSERT_FALSE(finished.at(row).error) << message_of(finished.at(row).error);
  EXPECT_EQ(finished.at(row).sequence->result().tokens, expected);
}

// One row of each kind of failure; the others go on.
TEST_P(BatchTest, ARowThatFailsFailsAlone) {
  Batch batch(model());
  const Request good = some_request(0, 25, 10);
  const Row before = batch.add(sequence(good));
  std::map<Row, std::string> failing;

  failing[batch.add([&]() -> Sequence {
    return {model(), &tokenizer(), start(), {1, 2, 1 << 30}, {}};
  })] = "token ids in [0, ";
  Request throws = some_request(1, 5, 10);
  throws.options.process_logits = [](std::span<const TokenId> tokens, std::span<float>) {
    if (tokens.size() == 8) throw std::runtime_error("the hook's own");
  };
  failing[batch.add(sequence(throws))] = "the hook's own";
  Request stuck = some_request(1, 5, 10);
  stuck.options.constraint = std::make_shared<OneAfterTheOther>(Ids{7, 8}, false);
  failing[batch.add(sequence(stuck))] = "after 2 tokens of the list";
  Request never = some_request(3, 5, 10);
  never.options.process_logits = [](std::span<const TokenId>, std::span<float> logits) {
    std::fill(logits.begin(), logits.end(), -std::numeric_limits<float>::infinity());
  };
  failing[batch.add(sequence(never))] = "a token that may follow";
  failing[batch.add(sequence(some_request(4, 5, 10), [](const TokenEvent&) -> bool {
    throw std::runtime_error("the callback's own");
  }))] = "the callback's own";
  Request asks = some_request(4, 5, 10);
  asks.options.cancelled = []() -> bool { throw std::runtime_error("the question's own"); };
  failing[batch.add(sequence(asks))] = "the question's own";

  const Row after = batch.add(sequence(good));
  const auto finished = run(batch);
  EXPECT_EQ(finished.size(), failing.size() + 2);
  for (const auto& [row, message] : failing) {
    EXPECT_THAT(message_of(finished.at(row).error), HasSubstr(message));
  }
  for (const Row row : {before, after}) {
    ASSERT_FALSE(finished.at(row).error);
    EXPECT_EQ(finished.at(row).sequence->result().tokens, alone(good));
  }
}

TEST_P(BatchTest, RowsThatAreNotThereAreRefused) {
  Batch batch(model());
  const Row row = batch.add(sequence(some_request(0, 5, 2)));
  EXPECT_THROW(batch.remove(row + 1), Error);
  EXPECT_THROW(batch.fork(row + 1, {}), Error);
  EXPECT_EQ(batch.prefill(row + 1, 64), 0);
  run(batch);
  EXPECT_THROW(batch.remove(row), Error);
  batch.cancel(row);  // nothing happens
  EXPECT_FALSE(batch.step());
}

TEST_P(BatchTest, APromptIsReadInBoundedPieces) {
  Batch batch(model());
  const Request request = some_request(0, 300, 5);
  const Row row = batch.add(sequence(request));
  EXPECT_EQ(batch.prefill(row, 63), 0);
  EXPECT_EQ(batch.prefill(row, 100), 64);
  EXPECT_EQ(batch.prefill(row, 128), 128);
  EXPECT_EQ(batch.prefill(row, 1000), 108);
  EXPECT_EQ(batch.prefill(row, 1000), 0);
  EXPECT_EQ(run(batch).at(row).sequence->result().tokens, alone(request));
}

}  // namespace
}  // namespace xlstm::test
