#include "xlstm/generate/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "tests/generate/classics.h"
#include "xlstm/base/error.h"
#include "xlstm/generate/generator.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm {
namespace {

using test::classics;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Ids = std::vector<TokenId>;
using Row = Batch::Row;

std::string message_of(const std::exception_ptr& error) {
  if (!error) return "no error";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  }
}

// A prompt and how to answer it.
struct Request {
  Ids prompt;
  GenerateOptions options;
};

// Greedy, cold, hot, cut and penalised ones in turn.
Request some_request(std::size_t number, std::size_t length, std::int64_t max_tokens) {
  static const Ids text = classics().tokenizer.encode(test::book("alice.txt").substr(0, 20000));
  Request request;
  const std::size_t at = 37 * number % 3000;
  request.prompt.assign(text.begin() + static_cast<std::ptrdiff_t>(at),
                        text.begin() + static_cast<std::ptrdiff_t>(at + length));
  request.options.max_tokens = max_tokens;
  Sampling& sampling = request.options.sampling;
  sampling.seed = number;
  switch (number % 5) {
    case 0:
      sampling.temperature = 0;
      break;
    case 1:
      sampling.temperature = 0.7F;
      break;
    case 2:
      sampling.top_k = 20;
      break;
    case 3:
      sampling.top_p = 0.9F;
      sampling.min_p = 0.02F;
      break;
    case 4:
      sampling.repetition_penalty = 1.2F;
      sampling.frequency_penalty = 0.1F;
      break;
  }
  return request;
}

class BatchTest : public ::testing::TestWithParam<testing::BackendCase> {
 protected:
  const Model& model() const { return classics(GetParam()).model; }
  const Tokenizer& tokenizer() const { return classics().tokenizer; }

  State start() const { return model().initial_state(); }

  // A state that has read something, for prompts of no tokens.
  State read_some() const {
    State state = start();
    const Ids ids = test::golden_ids("p1.ids");
    generate(model(), tokenizer(), state, ids, {.max_tokens = 0});
    return state;
  }

  State start_of(const Request& request) const {
    return request.prompt.empty() ? read_some() : start();
  }

  Sequence sequence(const Request& request, OnToken on_token = {}) const {
    return {model(),        &tokenizer(),    start_of(request),
            request.prompt, request.options, std::move(on_token)};
  }

  // The truth: the same request with nobody beside it.
  Ids alone(const Request& request) const {
    State state = start_of(request);
    return generate(model(), tokenizer(), state, request.prompt, request.options).tokens;
  }

  std::map<Row, Batch::Finished> run(Batch& batch) const {
    std::map<Row, Batch::Finished> all;
    batch.run([&](Batch::Finished each) { all.emplace(each.row, std::move(each)); });
    return all;
  }
};
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

// --- property tests, on the CPU's kernels ----------------------------------------------------

class BatchProperty : public BatchTest {};
INSTANTIATE_TEST_SUITE_P(Backends, BatchProperty,
                         ::testing::Values(testing::all_backends().front()), testing::backend_name);

// A model of odd sizes, so small that every length can be tried; it has no tokenizer.
const Model& odd_model() {
  // Never destroyed, as classics() is not.
  static auto& model = *new Model([] {
    const Checkpoint checkpoint =
        Checkpoint::open(std::filesystem::path(XLSTM_TEST_DATA) / "golden/large-odd-heads");
    return Model::load(checkpoint.plan, *checkpoint.tensors, cpu::make_backend(2));
  }());
  return model;
}

Ids random_ids(std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  Ids ids;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back(
        static_cast<TokenId>(random() % static_cast<std::uint32_t>(odd_model().plan().V)));
  }
  return ids;
}

TEST(BatchOfOddModel, PromptsOfEveryLengthAnswerAsAlone) {
  const Model& model = odd_model();
  const auto sequence = [&](std::size_t length) -> Sequence {
    State start = model.initial_state();
    if (length == 0) {  // goes on from what was read before
      Batch before(model);
      before.add(Sequence(model, nullptr, start, random_ids(9, 1000), {.max_tokens = 0}));
      before.run([&](Batch::Finished each) { start = each.sequence->state(); });
    }
    GenerateOptions options =
        some_request(length, 1, 1 + static_cast<std::int64_t>(length % 13)).options;
    options.sampling.top_k = std::min(options.sampling.top_k, 10);
    return {model, nullptr, std::move(start),
            random_ids(length, static_cast<std::uint32_t>(length)), options};
  };
  Batch batch(model, {.max_rows = 20});
  std::map<Row, std::size_t> lengths;
  for (std::size_t length = 0; length <= 300; ++length) {
    lengths[batch.add([&, length] { return sequence(length); })] = length;
  }
  std::size_t compared = 0;
  batch.run([&](Batch::Finished finished) {
    ASSERT_FALSE(finished.error) << message_of(finished.error);
    const std::size_t length = lengths.at(finished.row);
    Batch alone(model);
    alone.add(sequence(length));
    alone.run([&](Batch::Finished each) {
      ASSERT_FALSE(each.error) << message_of(each.error);
      EXPECT_EQ(finished.sequence->result().tokens, each.sequence->result().tokens) << length;
    });
    ++compared;
  });
  EXPECT_EQ(compared, 301U);
}

// What a test knows of a row: what it shall answer, or begin to where it is cancelled.
struct Expected {
  Ids tokens;
  bool cancelled = false;
};

// Joins, leaves, forks and cancels at random, for `steps` steps.
class RandomLife {
 public:
  RandomLife(Batch& batch, std::function<Sequence(const Request&)> make,
             std::function<Ids(const Request&)> alone, std::uint32_t seed)
      : batch_(batch), make_(std::move(make)), alone_(std::move(alone)), random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      act();
      batch_.step();
      collect();
    }
    while (batch_.step()) collect();
    collect();
    EXPECT_TRUE(rows_.empty());
  }

  std::size_t compared = 0, forked = 0, readded = 0, cancelled = 0;

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  Row any_row() {
    return std::next(rows_.begin(), static_cast<std::ptrdiff_t>(below(rows_.size())))->first;
  }

  void act() {
    if (rows_.size() < 12 && below(2) == 0) join();
    if (!rows_.empty() && below(6) == 0) fork();
    if (!rows_.empty() && below(6) == 0) leave_and_return();
    if (!rows_.empty() && below(12) == 0) cancel();
  }

  void join() {
    const Request request =
        some_request(number_++, 1 + below(150), 1 + static_cast<std::int64_t>(below(25)));
    rows_[batch_.add(make_(request))] = {alone_(request)};
  }

  // With the same random numbers a fork says what its origin says.
  void fork() {
    const Row row = any_row();
    if (is_waiting(row)) return;
    Expected expected = rows_.at(row);
    expected.cancelled = false;
    rows_[batch_.fork(row, std::nullopt)] = expected;
    ++forked;
  }

  void leave_and_return() {
    const Row row = any_row();
    const Expected expected = rows_.at(row);
    if (expected.cancelled) return;
    rows_.erase(row);
    rows_[batch_.add(batch_.remove(row))] = expected;
    ++readded;
  }

  void cancel() {
    const Row row = any_row();
    batch_.cancel(row);
    rows_.at(row).cancelled = true;
    ++cancelled;
  }

  bool is_waiting(Row row) const { return row > last_stepped_; }

  void collect() {
    for (const auto& each : rows_) last_stepped_ = std::max(last_stepped_, each.first);
    for (const Batch::Finished& each : batch_.take_finished()) {
      ASSERT_FALSE(each.error) << message_of(each.error);
      const Expected expected = rows_.at(each.row);
      rows_.erase(each.row);
      Ids tokens = each.sequence->result().tokens;
      if (each.sequence->result().stop_reason == StopReason::kCancelled) {
        EXPECT_TRUE(expected.cancelled);
        tokens.resize(expected.tokens.size());
        std::copy(
            expected.tokens.begin() +
                static_cast<std::ptrdiff_t>(each.sequence->result().tokens.size()),
            expected.tokens.end(),
            tokens.begin() + static_cast<std::ptrdiff_t>(each.sequence->result().tokens.size()));
      }
      EXPECT_EQ(tokens, expected.tokens);
      ++compared;
    }
  }

  Batch& batch_;
  std::function<Sequence(const Request&)> make_;
  std::function<Ids(const Request&)> alone_;
  std::mt19937 random_;
  std::size_t number_ = 0;
  Row last_stepped_ = 0;
  std::map<Row, Expected> rows_;
};

TEST_P(BatchTest, AnyJoinsLeavesForksAndCancelsChangeNoAnswer) {
  const bool is_cpu = std::string(GetParam().name) == "cpu";
  for (std::uint32_t seed = 0; seed < (is_cpu ? 3U : 1U); ++seed) {
    Batch batch(model());
    RandomLife life(
        batch, [this](const Request& request) { return sequence(request); },
        [this](const Request& request) { return alone(request); }, seed);
    life.run(is_cpu ? 100 : 12);
    EXPECT_GT(life.compared, is_cpu ? 40U : 3U);
    if (is_cpu) {
      EXPECT_GT(life.forked, 5U);
      EXPECT_GT(life.readded, 5U);
      EXPECT_GT(life.cancelled, 2U);
    }
  }
}

// The fork is made after the row's fifth token, alone or among others.
TEST_P(BatchProperty, AForkWithAnotherSeedIsTheSameAmongOthers) {
  const Request request = some_request(1, 40, 30);
  const auto fork_of = [&](Batch& batch) {
    int tokens = 0;
    const Row row = batch.add(sequence(request, [&](const TokenEvent& event) {
      tokens += event.id ? 1 : 0;
      return true;
    }));
    while (tokens < 5) batch.step();
    const Row fork = batch.fork(row, 99);
    const auto finished = run(batch);
    EXPECT_EQ(finished.at(row).sequence->result().tokens, alone(request));
    EXPECT_EQ(finished.at(fork).sequence->result().seed, 99U);
    return finished.at(fork).sequence->result().tokens;
  };
  Batch quiet(model()), busy(model());
  for (std::size_t number = 2; number < 9; ++number) {
    busy.add(sequence(some_request(number, 30 * number, 12)));
  }
  const Ids tokens = fork_of(quiet), original = alone(request);
  EXPECT_TRUE(std::equal(original.begin(), original.begin() + 5, tokens.begin()));
  EXPECT_NE(tokens, original);
  EXPECT_EQ(fork_of(busy), tokens);
}

// Several threads add while one steps.
TEST_P(BatchProperty, ThreadsAddRowsWhileOneSteps) {
  Batch batch(model(), {.max_rows = 8});
  std::mutex mutex;
  std::map<Row, Request> requests;
  std::atomic<int> left = 4;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::size_t i = 0; i < 8; ++i) {
        const Request request = some_request(8 * thread + i, 3 + 11 * i, 6);
        const Row row = i % 2 == 0 ? batch.add(sequence(request))
                                   : batch.add([this, request] { return sequence(request); });
        if (i == 5) batch.cancel(row);
        const std::lock_guard lock(mutex);
        requests[row] = request;
        requests[row].options.max_tokens = i == 5 ? 0 : 6;
      }
      --left;
    });
  }
  std::map<Row, Batch::Finished> finished;
  for (bool more = true; more;) {
    const bool adding = left > 0;  // asked first: the last rows may come behind the step
    more = batch.step() || adding;
    for (Batch::Finished& each : batch.take_finished()) finished.emplace(each.row, std::move(each));
  }
  for (Batch::Finished& each : batch.take_finished()) finished.emplace(each.row, std::move(each));
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(finished.size(), 32U);
  for (const auto& [row, request] : requests) {
    if (request.options.max_tokens == 0) continue;  // cancelled
    ASSERT_FALSE(finished.at(row).error) << message_of(finished.at(row).error);
    EXPECT_EQ(finished.at(row).sequence->result().tokens, alone(request));
  }
}

}  // namespace
}  // namespace xlstm
