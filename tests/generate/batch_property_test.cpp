// Rows that join, leave, fork and are cancelled at random, of every length and from several
// threads, answer what they answer alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "tests/generate/batch_fixture.h"
#include "xlstm/cpu/cpu_backend.h"
#include "xlstm/wiring/checkpoint.h"

namespace xlstm::test {
namespace {

// On the CPU's kernels.
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

#ifdef XLSTM_SANITIZED
constexpr std::uint32_t kLives = 1;  // each takes a minute and more
#else
constexpr std::uint32_t kLives = 3;
#endif

TEST_P(BatchTest, AnyJoinsLeavesForksAndCancelsChangeNoAnswer) {
  const bool is_cpu = std::string(GetParam().name) == "cpu";
  for (std::uint32_t seed = 0; seed < (is_cpu ? kLives : 1U); ++seed) {
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
}  // namespace xlstm::test
