// Whole = segments = chunks = steps, states included, on every backend; batches and forks are what
// they say.
#include <gtest/gtest.h>

#include "tests/model/fixture.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

class Equivalence : public ::testing::TestWithParam<BackendCase> {
 protected:
  const Model& model() const { return odd_model_on(GetParam()); }
  const Plan& plan() const { return model().plan(); }
  Backend& backend() const { return model().backend(); }
  double bound(std::size_t S) const {
    return rounding_bound(plan(), S) +
           (GetParam().is_float32() ? 0 : 2 * bfloat16_activations_bound(plan()));
  }
  State after(const std::vector<std::int32_t>& ids) const {
    return run_from_start(model(), ids).states.front();
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, Equivalence, ::testing::ValuesIn(all_backends()), backend_name);

std::vector<float> last_row(const std::vector<float>& logits, std::int64_t V) {
  return {logits.end() - V, logits.end()};
}

TEST_P(Equivalence, WholeIsSegmentsIsChunksIsSteps) {
  for (const std::int64_t B : {1, 3}) {
    for (const std::int64_t S : {1, 2, 63, 64, 65, 127, 129, 1000}) {
      const auto ids = random_ids(static_cast<std::size_t>(B * S), plan().V, 11);
      const RunResult whole = run_from_start(model(), ids, B);
      for (const std::int64_t piece : {1, 64, 100}) {
        if (piece == 1 && S > 130 && backend().is_lazy()) continue;  // minutes, and nothing new
        const RunResult parts = run_from_start(model(), ids, B, piece);
        EXPECT_LE(relative_difference(parts.logits, whole.logits),
                  bound(static_cast<std::size_t>(S)))
            << "B " << B << " S " << S << " pieces of " << piece;
        for (std::size_t row = 0; row < parts.states.size(); ++row) {
          EXPECT_LE(state_difference(backend(), parts.states[row], whole.states[row]),
                    bound(static_cast<std::size_t>(S)))
              << "B " << B << " S " << S << " pieces of " << piece;
        }
      }
    }
  }
}

TEST_P(Equivalence, PrefillGivesTheLastLogits) {
  for (const std::int64_t S : {1, 64, 700}) {
    const auto ids = random_ids(static_cast<std::size_t>(S), plan().V, 13);
    const RunResult whole = run_from_start(model(), ids);
    const std::unique_ptr<StateBatch> states = model().initial_states();
    const Tensor last = model().prefill(ids, *states);
    EXPECT_EQ(last.shape(), (TensorShape{1, plan().V}));
    EXPECT_LE(relative_difference(values_of(backend(), last), last_row(whole.logits, plan().V)),
              bound(static_cast<std::size_t>(S)));
    EXPECT_LE(state_difference(backend(), states->remove(0), whole.states.front()),
              bound(static_cast<std::size_t>(S)));
  }
}

TEST_P(Equivalence, NoTokensChangeNothing) {
  const State state = after({5, 6, 7});
  const RunResult out = run(model(), {state}, {});
  EXPECT_TRUE(out.logits.empty());
  EXPECT_EQ(state_difference(backend(), out.states.front(), state), 0.0);
}

TEST_P(Equivalence, ABatchIsItsRowsRunAlone) {
  const std::int64_t B = 3, S = 70, V = plan().V;
  const auto ids = random_ids(static_cast<std::size_t>(B * S), V, 12);
  const RunResult batch = run_from_start(model(), ids, B);
  for (std::int64_t row = 0; row < B; ++row) {
    const RunResult alone =
        run_from_start(model(), {ids.begin() + row * S, ids.begin() + (row + 1) * S});
    const std::vector<float> logits(batch.logits.begin() + row * S * V,
                                    batch.logits.begin() + (row + 1) * S * V);
    EXPECT_LE(relative_difference(logits, alone.logits), bound(70));
    EXPECT_LE(state_difference(backend(), batch.states[static_cast<std::size_t>(row)],
                               alone.states.front()),
              bound(70));
  }
}

TEST_P(Equivalence, PromptsOfDifferentLengthsJoinAsRows) {
  std::vector<State> states;
  const std::unique_ptr<StateBatch> batch = backend().state_batch();
  for (const std::size_t length : {5, 64, 131}) {
    states.push_back(after(random_ids(length, plan().V, static_cast<unsigned>(length))));
    batch->add(states.back());
  }
  EXPECT_EQ(batch->positions(), (std::vector<std::uint64_t>{5, 64, 131}));
  model().forward(tokens_of(model(), {7, 8, 9}, 3), *batch);
  const State middle = batch->remove(1);
  EXPECT_EQ(batch->positions(), (std::vector<std::uint64_t>{6, 132}));
  model().forward(tokens_of(model(), {10, 12}, 2), *batch);
  EXPECT_LE(state_difference(backend(), middle, run(model(), {states[1]}, {8}).states.front()),
            bound(131));
  EXPECT_LE(state_difference(backend(), batch->remove(0),
                             run(model(), {states[0]}, {7, 10}, 1).states.front()),
            bound(131));
  EXPECT_LE(state_difference(backend(), batch->remove(0),
                             run(model(), {states[2]}, {9, 12}, 1).states.front()),
            bound(131));
}

TEST_P(Equivalence, AForkContinuedTwiceIsTwoRuns) {
  const State state = after(random_ids(80, plan().V, 4));
  const State fork = state;
  const RunResult one = run(model(), {state}, {10, 11, 12}, 1);
  const RunResult two = run(model(), {fork}, {90, 91, 92}, 1);
  EXPECT_NE(one.logits, two.logits);
  // The same bits: nothing wrote into the shared state.
  EXPECT_EQ(run(model(), {state}, {10, 11, 12}, 1).logits, one.logits);
  EXPECT_EQ(run(model(), {fork}, {90, 91, 92}, 1).logits, two.logits);
}

TEST_P(Equivalence, PrefillStopsBetweenSegmentsWhenAsked) {
  const std::int64_t segment = backend().segment_tokens();
  const auto ids = random_ids(static_cast<std::size_t>(2 * segment + 7), plan().V, 5);
  const std::unique_ptr<StateBatch> states = model().initial_states();
  model().prefill(ids, *states, [](std::int64_t) { return false; });
  const State out = states->remove(0);
  EXPECT_EQ(out.position, static_cast<std::uint64_t>(segment));
  const State same = after({ids.begin(), ids.begin() + segment});
  EXPECT_LE(state_difference(backend(), out, same), bound(out.position));
}

TEST_P(Equivalence, StateSizeIsThePlansAtAnyPosition) {
  EXPECT_EQ(model().initial_state().bytes(), plan().state_bytes());
  EXPECT_EQ(after(random_ids(700, plan().V, 6)).bytes(), plan().state_bytes());
}

TEST_P(Equivalence, TokensForOtherRowsAreRefused) {
  const std::unique_ptr<StateBatch> two = model().initial_states(2);
  EXPECT_THROW(model().forward(tokens_of(model(), {1}), *two), Error);
  EXPECT_THROW(model().prefill(std::vector<std::int32_t>{1, 2, 3}, *two), Error);
  EXPECT_THROW(model().prefill({}, *two), Error);
}

TEST(Model, StepsWriteIntoAStateOfTheirOwn) {
  const Model model = open_odd_model();  // on the CPU backend, whose ops write where they read
  Backend& b = model.backend();
  const std::unique_ptr<StateBatch> states = model.states_of(model.initial_state());
  const auto memory_of = [&](const State& state) { return b.read(state.tensors[0]).data(); };
  model.forward(tokens_of(model, {5}), *states);
  State state = states->remove(0);
  const std::byte* const memory = memory_of(state);
  states->add(std::move(state));
  model.forward(tokens_of(model, {6}), *states);
  State next = states->remove(0);
  EXPECT_EQ(memory_of(next), memory);  // in place
  const State fork = next;
  states->add(std::move(next));
  model.forward(tokens_of(model, {7}), *states);
  EXPECT_NE(memory_of(states->remove(0)), memory);
  EXPECT_EQ(memory_of(fork), memory);
}

TEST(Model, Bfloat16WeightsStayClose) {
  const Model full = open_model(classics_folder());
  const Model half = open_model(classics_folder(), DType::kBF16);
  EXPECT_EQ(full.fingerprint(), half.fingerprint());
  EXPECT_LT(half.weight_bytes(), full.weight_bytes() * 11 / 20);
  // The file holds bfloat16, so its weights are the same numbers in both: only sums may differ, and
  // what many rows are rounded to.
  for (const std::size_t S : {std::size_t{16}, std::size_t{100}}) {
    const auto ids = random_ids(S, full.plan().V, 8);
    const RunResult a = run_from_start(full, ids), b = run_from_start(half, ids);
    const double bound = bfloat16_bound(full.plan(), S);
    EXPECT_LE(relative_difference(b.logits, a.logits), bound);
    EXPECT_LE(state_difference(full.backend(), b.states.front(), a.states.front()), bound);
  }
}

TEST(Model, Bfloat16WholeIsSteps) {
  const Model half = open_model(classics_folder(), DType::kBF16);
  const auto ids = random_ids(100, half.plan().V, 9);
  const RunResult whole = run_from_start(half, ids), steps = run_from_start(half, ids, 1, 1);
  EXPECT_LE(relative_difference(whole.logits, steps.logits), bfloat16_bound(half.plan(), 100));
  EXPECT_LE(state_difference(half.backend(), whole.states.front(), steps.states.front()),
            bfloat16_bound(half.plan(), 100));
}

TEST(Model, TheEstimateCoversWhatLoadingTook) {
  const Model model = open_model(classics_folder());
  Backend& b = model.backend();
  const MemoryEstimate estimate = estimate_memory(model.plan(), b, DType::kF32, 2);
  EXPECT_EQ(estimate.weights, model.weight_bytes());
  EXPECT_EQ(estimate.state, 2 * model.plan().state_bytes());
  const std::uint64_t before = b.memory().active;
  const auto ids = random_ids(2 * 600, model.plan().V, 9);
  const std::unique_ptr<StateBatch> states = model.initial_states(2);
  model.prefill(ids, *states);
  const std::uint64_t took = b.memory().peak - before;
  EXPECT_LE(took, estimate.state + estimate.workspace);
  // Nor does the estimate refuse what would run: beyond it are logits for sampling, a second state
  // for a fork, and what products pack, a few MiB.
  constexpr std::uint64_t kPacked = std::uint64_t{5} << 20;
  EXPECT_LE(estimate.workspace, took + took / 2 + kPacked);
}

}  // namespace
}  // namespace xlstm::testing
