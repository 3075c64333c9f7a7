// A family that exists in tests only runs through all backends, saves its state and goes on from
// it, with nothing but its rows of tensors (tests/wiring/made_up_family.h) and the recipe below:
// CONTRIBUTING.md walks through both.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "tests/model/fixture.h"
#include "tests/support/fake_source.h"
#include "tests/wiring/made_up_family.h"
#include "xlstm/model/layer_stack.h"
#include "xlstm/model/state_file.h"
#include "xlstm/model/trial.h"

namespace xlstm::testing {
namespace {

// y_t = sigmoid(decay) * y_{t-1} + gain * x_t, token after token; x_t + y_t goes on.
class LeakyIntegrator final : public LayerRecipe {
 public:
  LeakyIntegrator(const LeakySpec& spec, const LayerWeights& w)
      : gain_(spec.gain), decay_(w.tensor("decay")) {}

  Tensor forward(Backend& b, Tensor x, LayerState state) const override {
    const auto B = static_cast<std::int64_t>(state.batch.rows());
    const std::int64_t D = x.shape()[1], S = x.shape()[0] / B;
    const Tensor keep = b.sigmoid(decay_);
    const Tensor gain = b.floats({D}, std::vector<float>(static_cast<std::size_t>(D), gain_));
    Tensor y = state.batch.take(state.first);  // [B, D] float32
    std::vector<Tensor> all;
    for (std::int64_t s = 0; s < S; ++s) {
      const Tensor in = b.multiply(b.to_float32(b.tokens(x, B, s, s + 1)), gain);
      y = b.add(b.multiply(y, keep), in);
      all.push_back(b.to_activation(y));
    }
    state.batch.put(state.first, y);
    return S == 0 ? x : b.add(std::move(x), b.join_tokens(all, B));
  }

 private:
  float gain_;
  Tensor decay_;  // [D]
};

std::unique_ptr<const LayerRecipe> make_leaky(const Layer& layer, const LayerWeights& weights) {
  return std::make_unique<LeakyIntegrator>(layer.spec_as<LeakySpec>(), weights);
}

constexpr std::array kRecipes = {RecipeEntry{"leaky_integrator", make_leaky}};
constexpr std::int64_t kV = 11, kD = 6;
constexpr float kGain = 0.5F;

// One block, its numbers simple ones.
class LeakyWeights : public TensorSource {
 public:
  LeakyWeights() {
    add("embedding.weight", {kV, kD}, 0.25F);
    add("blocks.0.decay", {kD}, 0.5F);
    add("lm_head.weight", {kV, kD}, -0.125F);
  }
  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  const std::map<std::string, std::string>& metadata() const override { return metadata_; }
  void read(std::size_t index, std::uint64_t offset, std::span<std::byte> to) const override {
    std::memcpy(to.data(), reinterpret_cast<const std::byte*>(values_[index].data()) + offset,
                to.size());
  }
  const std::vector<float>& values(const std::string& name) const { return values_[find(name)]; }

 private:
  void add(const std::string& name, const Shape& shape, float step) {
    TensorInfo info;
    info.name = name;
    info.dtype = DType::kF32;
    info.shape = shape;
    const auto count = static_cast<std::size_t>(element_count(shape).value());
    info.bytes = count * sizeof(float);
    info.file = "made up";
    infos_.insert(std::ranges::lower_bound(infos_, name, {}, &TensorInfo::name), info);
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = step * static_cast<float>(i % 7) - 0.5F;
    values_.insert(values_.begin() + static_cast<std::ptrdiff_t>(find(name)), values);
  }

  std::vector<TensorInfo> infos_;
  std::vector<std::vector<float>> values_;
  std::map<std::string, std::string> metadata_;
};

Plan leaky_plan(const TensorSource& weights) {
  return discover("{\"gain\": 0.5}", weights, "leaky", families_with_leaky());
}

Model open_leaky(const TensorSource& weights, std::shared_ptr<Backend> backend) {
  LoadOptions options;
  options.recipes = kRecipes;
  return Model::load(leaky_plan(weights), weights, std::move(backend), options);
}

// The formula, in float64.
std::vector<float> leaky_logits(const LeakyWeights& weights, const std::vector<std::int32_t>& ids) {
  const auto& E = weights.values("embedding.weight");
  const auto& decay = weights.values("blocks.0.decay");
  const auto& W = weights.values("lm_head.weight");
  std::vector<double> y(kD);
  std::vector<float> logits;
  for (const std::int32_t id : ids) {
    double out[kD];
    for (std::size_t d = 0; d < kD; ++d) {
      const double x = E[static_cast<std::size_t>(id) * kD + d];
      y[d] = y[d] / (1 + std::exp(-static_cast<double>(decay[d]))) + kGain * x;
      out[d] = x + y[d];
    }
    for (std::size_t v = 0; v < kV; ++v) {
      double z = 0;
      for (std::size_t d = 0; d < kD; ++d) z += W[v * kD + d] * out[d];
      logits.push_back(static_cast<float>(z));
    }
  }
  return logits;
}

class MadeUpBlock : public ::testing::TestWithParam<BackendCase> {};

INSTANTIATE_TEST_SUITE_P(Backends, MadeUpBlock, ::testing::ValuesIn(all_backends()), backend_name);

TEST_P(MadeUpBlock, ComputesItsFormula) {
  const LeakyWeights weights;
  const Model model = open_leaky(weights, GetParam().make());
  const auto ids = random_ids(70, kV, 3);
  // A step rounds y three times, of which a share is kept; x + y and the head's sums of D products
  // follow. In bfloat16 what is read, added up and multiplied is rounded to 8 bits.
  const double bound = GetParam().is_float32() ? 0x1p-23 * (3 * 8 + kD + 2) * 4 : 0x1p-8 * 4 * 4;
  for (const std::int64_t piece : {0, 1, 7}) {
    const RunResult out = run_from_start(model, ids, 1, piece);
    EXPECT_LE(relative_difference(out.logits, leaky_logits(weights, ids)), bound)
        << "pieces of " << piece;
  }
}

TEST_P(MadeUpBlock, RowsOfABatchAreTheirOwn) {
  const LeakyWeights weights;
  const Model model = open_leaky(weights, GetParam().make());
  const auto ids = random_ids(3 * 9, kV, 4);
  const RunResult batch = run_from_start(model, ids, 3);
  for (std::int64_t row = 0; row < 3; ++row) {
    const RunResult alone =
        run_from_start(model, {ids.begin() + row * 9, ids.begin() + (row + 1) * 9});
    EXPECT_EQ(state_difference(model.backend(), batch.states[static_cast<std::size_t>(row)],
                               alone.states.front()),
              0.0);
  }
}

// Its recipe leaves no replay: what is kept of a trial is read again.
TEST_P(MadeUpBlock, KeepsTheFirstTokensOfATrial) {
  const LeakyWeights weights;
  const Model model = open_leaky(weights, GetParam().make());
  const auto ids = random_ids(9, kV, 6);
  const auto states = model.initial_states();
  Trial(model, *states, ids).accept(std::vector<std::int64_t>{4});
  const RunResult alone = run_from_start(model, {ids.begin(), ids.begin() + 4});
  EXPECT_EQ(state_difference(model.backend(), states->copy(0), alone.states.front()), 0.0);
}

// The last layer has a state, so that all tokens go through every layer.
TEST_P(MadeUpBlock, LastTokensOfAStackThatEndsInAState) {
  const LeakyWeights weights;
  const Plan plan = leaky_plan(weights);
  LoadOptions options;
  options.recipes = kRecipes;
  const PlanWithWeights loaded = load_plan(plan, weights, GetParam().make(), options);
  const LayerStack stack(kRecipes, std::span(plan.layers).subspan(1, 1), loaded);
  Backend& b = *loaded.loaded.backend;
  constexpr std::int64_t kB = 2, kS = 5;
  std::vector<float> numbers;
  for (int i = 0; i < kB * kS * kD; ++i) numbers.push_back(static_cast<float>(i % 13) - 6);
  const auto forward = [&](std::int64_t last) {
    const auto states = loaded.loaded.initial_states(kB);
    const Tensor x = b.to_activation(b.floats({kB * kS, kD}, numbers));
    const Tensor y = b.to_float32(stack.forward(b, x, *states, {.last = last}));
    const auto values = b.read_floats(y);
    return std::vector<float>(values.begin(), values.end());
  };
  const std::vector<float> all = forward(0), last = forward(2);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kB * kS * kD));
  std::vector<float> wanted(all.begin() + 3 * kD, all.begin() + 5 * kD);
  wanted.insert(wanted.end(), all.begin() + 8 * kD, all.end());
  EXPECT_EQ(last, wanted);
}

TEST_P(MadeUpBlock, ItsStateIsSavedAndGoesOn) {
  const LeakyWeights weights;
  const Model model = open_leaky(weights, GetParam().make());
  const RunResult first = run_from_start(model, {1, 2, 3});
  const auto file = std::filesystem::path(::testing::TempDir()) /
                    (std::string("leaky_") + GetParam().name + std::to_string(::getpid()));
  save_state(file, first.states.front(), model);
  const State loaded = load_state(file, model);
  EXPECT_EQ(loaded.position, 3U);
  EXPECT_EQ(run(model, {loaded}, {4, 5}).logits, run(model, first.states, {4, 5}).logits);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace xlstm::testing
