// The first paper's blocks, on every backend: whole = segments = steps, states included; rows,
// forks, trials and saved states are what they say; formats of weights.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tests/model/fixture.h"
#include "xlstm/base/error.h"
#include "xlstm/model/state_file.h"
#include "xlstm/model/synthetic.h"
#include "xlstm/model/trial.h"

namespace xlstm::testing {
namespace {

// Both kinds of block, with biases.
const Model& mixed_on(const BackendCase& backend) {
  // Never destroyed: MLX's own statics may be gone by then.
  static auto& models = *new std::map<std::string, Model>;
  auto found = models.find(backend.name);
  if (found == models.end()) {
    const auto folder = data_folder() / "golden/original-mixed";
    found = models.emplace(backend.name, open_model(folder, DType::kF32, backend.make())).first;
  }
  return found->second;
}

class OriginalBlocks : public ::testing::TestWithParam<BackendCase> {
 protected:
  const Model& model() const { return mixed_on(GetParam()); }
  Backend& backend() const { return model().backend(); }
  std::vector<std::int32_t> ids_of(std::int64_t count, unsigned seed) const {
    return random_ids(static_cast<std::size_t>(count), model().plan().V, seed);
  }
  double bound(std::int64_t S) const {
    return rounding_bound(model().plan(), static_cast<std::size_t>(S)) +
           (GetParam().is_float32() ? 0 : 2 * bfloat16_activations_bound(model().plan()));
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, OriginalBlocks, ::testing::ValuesIn(all_backends()),
                         backend_name);

TEST_P(OriginalBlocks, WholeIsSegmentsIsSteps) {
  for (const std::int64_t B : {1, 3}) {
    for (const std::int64_t S : {1, 2, 3, 63, 64, 65, 130}) {
      const auto ids = ids_of(B * S, 11);
      const RunResult whole = run_from_start(model(), ids, B);
      for (const std::int64_t piece : {1, 2, 64}) {
        if (piece < 64 && S > 65 && backend().is_lazy()) continue;  // minutes, and nothing new
        SCOPED_TRACE(str("B ", B, " S ", S, " pieces of ", piece));
        const RunResult parts = run_from_start(model(), ids, B, piece);
        EXPECT_LE(relative_difference(parts.logits, whole.logits), bound(S));
        for (std::size_t row = 0; row < parts.states.size(); ++row) {
          EXPECT_LE(state_difference(backend(), parts.states[row], whole.states[row]), bound(S));
        }
      }
    }
  }
}

TEST_P(OriginalBlocks, NoTokensChangeNothing) {
  const State start = run_from_start(model(), ids_of(5, 3)).states.front();
  const RunResult none = run(model(), {start}, {});
  EXPECT_TRUE(none.logits.empty());
  EXPECT_EQ(state_difference(backend(), none.states.front(), start), 0);
}

TEST_P(OriginalBlocks, RowsOfABatchAreTheirOwn) {
  constexpr std::int64_t S = 20;
  const auto ids = ids_of(3 * S, 4);
  const RunResult batch = run_from_start(model(), ids, 3);
  for (std::int64_t row = 0; row < 3; ++row) {
    const RunResult alone =
        run_from_start(model(), {ids.begin() + row * S, ids.begin() + (row + 1) * S});
    EXPECT_LE(state_difference(backend(), batch.states[static_cast<std::size_t>(row)],
                               alone.states.front()),
              bound(S));
  }
}

TEST_P(OriginalBlocks, ForksGoTheirOwnWays) {
  const State start = run_from_start(model(), ids_of(9, 5)).states.front();
  const State fork = start;
  const RunResult one = run(model(), {start}, {10, 11, 12}, 1);
  EXPECT_NE(run(model(), {fork}, {90, 91, 92}, 1).logits, one.logits);
  EXPECT_EQ(run(model(), {start}, {10, 11, 12}, 1).logits, one.logits);
}

TEST_P(OriginalBlocks, TheFirstTokensOfATrialAreKept) {
  const std::vector<State> start = run_from_start(model(), ids_of(3 * 20, 1), 3).states;
  for (const std::int64_t S : {1, 2, 7, 65}) {
    const auto ids = ids_of(3 * S, 2);
    const auto states = backend().state_batch();
    for (const State& state : start) states->add(state);
    const std::vector<std::int64_t> n = {S - 1, S, std::min<std::int64_t>(S, 2)};
    Trial(model(), *states, ids).accept(n);
    for (std::size_t row = 0; row < 3; ++row) {
      const auto at = ids.begin() + static_cast<std::int64_t>(row) * S;
      const State alone =
          n[row] == 0 ? start[row] : run(model(), {start[row]}, {at, at + n[row]}).states.front();
      EXPECT_LE(state_difference(backend(), states->copy(row), alone), bound(20 + S))
          << "S " << S << " row " << row;
    }
  }
}

TEST_P(OriginalBlocks, ASavedStateGoesOn) {
  const RunResult first = run_from_start(model(), ids_of(70, 6));
  const auto file = std::filesystem::path(::testing::TempDir()) /
                    (std::string("original_") + GetParam().name + std::to_string(::getpid()));
  save_state(file, first.states.front(), model());
  const State loaded = load_state(file, model());
  EXPECT_EQ(loaded.position, 70U);
  EXPECT_EQ(run(model(), {loaded}, {4, 5}).logits, run(model(), first.states, {4, 5}).logits);
  std::filesystem::remove(file);
}

TEST_P(OriginalBlocks, TheStateIsOfOneSizeAtAnyPosition) {
  EXPECT_EQ(model().initial_state().bytes(), model().plan().state_bytes());
  EXPECT_EQ(run_from_start(model(), ids_of(130, 7)).states.front().bytes(),
            model().plan().state_bytes());
}

TEST_P(OriginalBlocks, TheEstimateCoversWhatRunningTakes) {
  Backend& b = backend();
  const MemoryEstimate estimate = estimate_memory(model().plan(), b, DType::kF32, 2);
  EXPECT_EQ(estimate.weights, model().weight_bytes());
  EXPECT_EQ(estimate.state, 2 * model().plan().state_bytes());
  const std::uint64_t before = b.memory().active;
  const std::unique_ptr<StateBatch> states = model().initial_states(2);
  const Tensor logits = model().prefill(ids_of(2 * 600, 9), *states);
  b.evaluate(std::span(&logits, 1));
  states->evaluate();
  const std::uint64_t took = b.memory().peak - before;
  EXPECT_LE(took, estimate.state + estimate.workspace);
  // Nor does the estimate refuse what would run: beyond it is what products pack, a few MiB.
  constexpr std::uint64_t kPacked = std::uint64_t{5} << 20;
  if (!b.is_lazy()) {
    EXPECT_LE(estimate.workspace, took + took / 2 + kPacked);
  }
}

// What a format of weights may change.
TEST(OriginalModel, Bfloat16Weights) {
  const auto folder = data_folder() / "golden/original-mixed";
  const Model full = open_model(folder), half = open_model(folder, DType::kBF16);
  EXPECT_EQ(full.fingerprint(), half.fingerprint());
  EXPECT_LT(half.weight_bytes(), full.weight_bytes() * 3 / 5);
  const auto ids = random_ids(40, full.plan().V, 8);
  // Each matrix is rounded once, by at most 2^-9 of each element.
  const double bound = rounding_bound(full.plan(), 40) + bfloat16_activations_bound(full.plan());
  EXPECT_LE(relative_difference(run_from_start(half, ids).logits, run_from_start(full, ids).logits),
            bound);
}

TEST(OriginalModel, MatricesAreQuantisedAndHeadsAreNot) {
  const Synthetic synthetic = make_synthetic("mixed-tiny");
  const Plan plan = discover(synthetic.config_json, *synthetic.source, "mixed");
  EXPECT_EQ(quantizable_kinds(plan),
            (std::vector<std::string_view>{"embedding", "head", "up", "down"}));
  LoadOptions options;
  options.quantization = default_recipe({QuantizationMode::kAffine, 8, 64});
  const Model quantised = Model::load(plan, *synthetic.source, cpu::make_backend(2), options);
  options.quantization.reset();
  const Model full = Model::load(plan, *synthetic.source, cpu::make_backend(2), options);
  EXPECT_LT(quantised.weight_bytes(), full.weight_bytes() / 2);
  const auto ids = random_ids(30, plan.V, 9);
  const double difference =
      relative_difference(run_from_start(quantised, ids).logits, run_from_start(full, ids).logits);
  EXPECT_GT(difference, 0);
  // Eight bits are 1/255 of a group's range, which is 2 sqrt(3) deviations: by chance, sqrt(12)
  // times less, in each of two products a layer and the head, and of what products round.
  const double products = 2.0 * 4 + 1;
  EXPECT_LE(difference, quantised_bound(plan, 30, 64) + std::sqrt(products) * 3.5 / 255);
}

TEST(OriginalModel, AStackWithoutAVocabularyIsNotRun) {
  Synthetic synthetic = make_synthetic("mixed-tiny");
  Plan plan = discover(synthetic.config_json, *synthetic.source, "mixed");
  plan.layers.erase(plan.layers.begin());
  plan.layers.pop_back();
  plan.V = 0;
  try {
    Model::load(plan, *synthetic.source, cpu::make_backend(1));
    ADD_FAILURE() << "it was loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kModel);
    EXPECT_NE(std::string(error.what()).find("from tokens to a vocabulary"), std::string::npos);
  }
}

}  // namespace
}  // namespace xlstm::testing
