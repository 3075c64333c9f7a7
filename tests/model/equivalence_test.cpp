// Whole = segments = chunks = steps, states included; batches and forks are what they say.
#include <gtest/gtest.h>

#include <optional>

#include "tests/model/fixture.h"
#include "xlstm/base/error.h"
#include "xlstm/base/threads.h"
#include "xlstm/ops/at_once.h"

namespace xlstm::testing {
namespace {
namespace mx = mlx::core;

const Model& model() {
  static const Model kModel = open_odd_model();
  return kModel;
}

mx::array columns(const mx::array& tokens, int begin, int end) {
  return mx::slice(tokens, {0, begin}, {tokens.shape(0), end});
}

// Reads tokens [B, S] in pieces; logits of all positions.
ForwardResult in_pieces(const mx::array& tokens, const ModelState& state, int piece) {
  std::vector<mx::array> logits;
  ModelState now = state;
  for (int begin = 0; begin < tokens.shape(1); begin += piece) {
    const int end = std::min(begin + piece, tokens.shape(1));
    ForwardResult out = model().forward(columns(tokens, begin, end), now, Positions::kAll);
    mx::eval(out.logits);
    out.state.eval();
    logits.push_back(out.logits);
    now = std::move(out.state);
  }
  return {mx::concatenate(logits, 1), now};
}

class Lengths : public ::testing::TestWithParam<std::tuple<int, int>> {};

TEST_P(Lengths, WholeIsSegmentsIsChunksIsSteps) {
  const auto [B, S] = GetParam();
  const LargeDims dims = large_dims(model().plan());
  const double bound = rounding_bound(dims, static_cast<std::size_t>(S));
  const mx::array tokens = tokens_of(random_ids(static_cast<std::size_t>(B * S), dims.V, 11), B);
  const ForwardResult whole = model().forward(tokens, model().initial_state(B), Positions::kAll);
  const auto truth = values_of(whole.logits);
  for (const int piece : {1, 64, 100}) {
    const ForwardResult parts = in_pieces(tokens, model().initial_state(B), piece);
    EXPECT_LE(relative_difference(values_of(parts.logits), truth), bound) << "pieces of " << piece;
    EXPECT_LE(state_difference(parts.state, whole.state), bound) << "pieces of " << piece;
  }
  const ForwardResult last = model().prefill(tokens, model().initial_state(B));
  const auto wanted = values_of(mx::slice(whole.logits, {0, S - 1, 0}, whole.logits.shape()));
  EXPECT_LE(relative_difference(values_of(last.logits), wanted), bound);
  EXPECT_LE(state_difference(last.state, whole.state), bound);
}

INSTANTIATE_TEST_SUITE_P(Model, Lengths,
                         ::testing::Combine(::testing::Values(1, 3),
                                            ::testing::Values(1, 2, 63, 64, 65, 127, 128, 129,
                                                              1000)),
                         [](const auto& test) {
                           return "B" + std::to_string(std::get<0>(test.param)) + "_S" +
                                  std::to_string(std::get<1>(test.param));
                         });

TEST(Model, NoTokensChangeNothing) {
  const ModelState state = in_pieces(tokens_of({5, 6, 7}), model().initial_state(), 1).state;
  const ForwardResult out = model().forward(mx::zeros({1, 0}, mx::int32), state, Positions::kAll);
  EXPECT_EQ(out.logits.shape(), (mx::Shape{1, 0, static_cast<int>(model().plan().V)}));
  EXPECT_EQ(state_difference(out.state, state), 0.0);
}

TEST(Model, ABatchIsItsRowsRunAlone) {
  const LargeDims dims = large_dims(model().plan());
  const int B = 3, S = 70;
  const auto ids = random_ids(static_cast<std::size_t>(B * S), dims.V, 12);
  const ForwardResult batch = model().forward(tokens_of(ids, B), model().initial_state(B));
  for (int row = 0; row < B; ++row) {
    const std::vector<std::int32_t> own(ids.begin() + row * S, ids.begin() + (row + 1) * S);
    const ForwardResult alone = model().forward(tokens_of(own), model().initial_state());
    const auto logits =
        values_of(mx::slice(batch.logits, {row, 0, 0}, {row + 1, 1, static_cast<int>(dims.V)}));
    EXPECT_LE(relative_difference(logits, values_of(alone.logits)), rounding_bound(dims, S));
    EXPECT_LE(state_difference(batch.state.gather({row}), alone.state), rounding_bound(dims, S));
  }
}

TEST(Model, RaggedPromptsJoinAsRows) {
  // Prompts of different length are read alone, then stepped together as one batch.
  const LargeDims dims = large_dims(model().plan());
  const std::vector<std::vector<std::int32_t>> prompts = {
      random_ids(5, dims.V, 1), random_ids(64, dims.V, 2), random_ids(131, dims.V, 3)};
  std::vector<ModelState> states;
  for (const auto& prompt : prompts) {
    states.push_back(model().prefill(tokens_of(prompt), model().initial_state()).state);
  }
  const ModelState together = ModelState::stack(states);
  EXPECT_EQ(together.positions, (std::vector<std::uint64_t>{5, 64, 131}));
  const ForwardResult step = model().forward(tokens_of({7, 8, 9}, 3), together);
  for (int row = 0; row < 3; ++row) {
    const ForwardResult alone =
        model().forward(tokens_of({7 + row}), states[static_cast<std::size_t>(row)]);
    EXPECT_LE(state_difference(step.state.gather({row}), alone.state), rounding_bound(dims, 131));
  }
  const ModelState rest = step.state.drop({1});
  EXPECT_EQ(rest.positions, (std::vector<std::uint64_t>{6, 132}));
  EXPECT_EQ(state_difference(rest.gather({1}), step.state.gather({2})), 0.0);
}

TEST(Model, AForkContinuedTwiceIsTwoRuns) {
  const LargeDims dims = large_dims(model().plan());
  const ModelState state =
      model().prefill(tokens_of(random_ids(80, dims.V, 4)), model().initial_state()).state;
  state.eval();
  const ModelState fork = state;
  const auto continued = [&](ModelState from, int first) {
    std::vector<float> logits;
    for (int step = 0; step < 5; ++step) {
      ForwardResult out = model().forward(tokens_of({first + step}), from);
      from = ModelState();
      logits = values_of(out.logits);
      from = std::move(out.state);
    }
    return logits;
  };
  const auto one = continued(state, 10);
  const auto two = continued(fork, 90);
  EXPECT_NE(one, two);
  EXPECT_EQ(continued(state, 10), one);  // the same bits: nothing wrote into the shared state
  EXPECT_EQ(continued(fork, 90), two);
}

// Steps [B] of tokens, each at once or as a graph.
ForwardResult stepped(ModelState state, const std::vector<std::vector<std::int32_t>>& tokens,
                      bool at_once) {
  const int B = state.batch();
  std::optional<ForwardResult> last;
  for (const std::vector<std::int32_t>& step : tokens) {
    std::optional<ops::AtOnce> scope;
    if (at_once) scope.emplace();
    last = model().forward(tokens_of(step, B), std::move(state));
    state = std::move(last->state);
  }
  mx::eval(last->logits);
  last->state = std::move(state);
  return *last;
}

TEST(Model, StepsAtOnceAreTheGraphsBitForBit) {
  for (const int B : {1, 3}) {
    const std::int64_t V = model().plan().V;
    const auto count = static_cast<std::size_t>(B);
    std::vector<std::vector<std::int32_t>> tokens;
    for (unsigned step = 0; step < 6; ++step) tokens.push_back(random_ids(count, V, 20 + step));
    ModelState state =
        model().prefill(tokens_of(random_ids(70 * count, V, 7), B), model().initial_state(B)).state;
    state.eval();
    const ForwardResult now = stepped(state, tokens, true);
    const ForwardResult later = stepped(state, tokens, false);
    EXPECT_EQ(values_of(now.logits), values_of(later.logits));
    EXPECT_EQ(state_difference(now.state, later.state), 0.0);
    EXPECT_EQ(now.state.positions, later.state.positions);
  }
}

TEST(Model, StepsAtOnceWriteIntoAStateOfTheirOwn) {
  ModelState state = model().initial_state();
  const ModelState fresh = state;
  state = stepped(state, {{5}, {6}}, true).state;
  EXPECT_EQ(state_difference(fresh, model().initial_state()), 0.0);
  const float* const memory = state.blocks[0].C.data<float>();
  state = stepped(std::move(state), {{7}}, true).state;
  EXPECT_EQ(state.blocks[0].C.data<float>(), memory);  // in place
  const ModelState fork = state;
  const ModelState kept = stepped(fork, {{8}}, false).state;
  state = stepped(std::move(state), {{8}}, true).state;
  EXPECT_EQ(state_difference(state, kept), 0.0);
  EXPECT_NE(state_difference(state, fork), 0.0);
  EXPECT_EQ(fork.blocks[0].C.data<float>(), memory);
}

TEST(Model, PrefillStopsBetweenSegmentsWhenAsked) {
  const mx::array tokens = tokens_of(random_ids(1500, model().plan().V, 5));
  const ForwardResult out =
      model().prefill(tokens, model().initial_state(), [](std::int64_t) { return false; });
  const std::uint64_t read = out.state.positions[0];
  EXPECT_GT(read, 0U);
  EXPECT_LT(read, 1500U);
  const ForwardResult same =
      model().prefill(columns(tokens, 0, static_cast<int>(read)), model().initial_state());
  EXPECT_LE(state_difference(out.state, same.state),
            rounding_bound(large_dims(model().plan()), read));
}

TEST(Model, StateSizeIsThePlansAtAnyPosition) {
  ModelState state = model().initial_state();
  EXPECT_EQ(state.bytes(), model().plan().state_bytes());
  state = model().prefill(tokens_of(random_ids(700, model().plan().V, 6)), state).state;
  EXPECT_EQ(state.bytes(), model().plan().state_bytes());
}

TEST(Model, RowsOutOfRangeAreRefused) {
  const ModelState state = model().initial_state(2);
  EXPECT_THROW(state.gather({2}), Error);
  EXPECT_THROW(state.drop({-1}), Error);
  EXPECT_THROW(model().forward(tokens_of({1}), state), Error);
}

TEST(Model, Bfloat16WeightsStayClose) {
  const Model full = open_model(classics_folder());
  const Model half = open_model(classics_folder(), ComputeDtype::kBfloat16);
  EXPECT_EQ(full.fingerprint(), half.fingerprint());
  EXPECT_LT(half.weight_bytes(), full.weight_bytes() * 11 / 20);
  // The file holds bfloat16, so its weights are the same numbers in both: only sums may differ, and
  // what many rows are rounded to.
  for (const std::size_t S : {std::size_t{16}, std::size_t{100}}) {
    const mx::array tokens = tokens_of(random_ids(S, full.plan().V, 8));
    const ForwardResult a = full.forward(tokens, full.initial_state(), Positions::kAll);
    const ForwardResult b = half.forward(tokens, half.initial_state(), Positions::kAll);
    const double bound = bfloat16_bound(large_dims(full.plan()), S);
    EXPECT_LE(relative_difference(values_of(b.logits), values_of(a.logits)), bound);
    EXPECT_LE(state_difference(b.state, a.state), bound);
  }
}

TEST(Model, Bfloat16WholeIsSteps) {
  const Model half = open_model(classics_folder(), ComputeDtype::kBfloat16);
  const LargeDims dims = large_dims(half.plan());
  const int S = 100;
  const mx::array tokens = tokens_of(random_ids(S, dims.V, 9));
  const ForwardResult whole = half.forward(tokens, half.initial_state(), Positions::kLast);
  ModelState state = half.initial_state();
  std::vector<float> logits;
  for (int at = 0; at < S; ++at) {
    ForwardResult step = half.forward(columns(tokens, at, at + 1), state, Positions::kLast);
    logits = values_of(step.logits);
    state = std::move(step.state);
  }
  EXPECT_LE(relative_difference(values_of(whole.logits), logits), bfloat16_bound(dims, S));
  EXPECT_LE(state_difference(whole.state, state), bfloat16_bound(dims, S));
}

TEST(Model, TheEstimateCoversWhatLoadingTook) {
  const Model model = open_model(classics_folder());
  set_thread_count(2);
  const MemoryEstimate estimate = estimate_memory(model.plan(), ComputeDtype::kFloat32, 2);
  set_thread_count(0);
  EXPECT_EQ(estimate.weights, model.weight_bytes());
  EXPECT_EQ(estimate.state, 2 * model.plan().state_bytes());
  mx::clear_cache();
  mx::reset_peak_memory();
  const std::size_t before = mx::get_active_memory();
  const ForwardResult out =
      model.prefill(tokens_of(random_ids(1200, model.plan().V, 9), 2), model.initial_state(2));
  mx::eval(out.logits);
  out.state.eval();
  // MLX does not see the kernel's scratch memory: what its header says, for the 512 tokens of a
  // segment.
  const LargeDims& d = large_dims(model.plan());
  const std::int64_t QK = d.NH * d.DHQK, V = d.NH * d.DHV;
  const std::int64_t floats = d.D + std::max(2 * QK + 3 * V + 2 * d.NH, 3 * d.F);
  const std::uint64_t took =
      mx::get_peak_memory() - before + 512 * 4 * static_cast<std::uint64_t>(floats);
  EXPECT_LE(took, estimate.state + estimate.workspace);
  // Nor does the estimate refuse what would run: beyond it are what products pack, a few MiB.
  constexpr std::uint64_t kPacked = std::uint64_t{4} << 20;
  EXPECT_LE(estimate.state + estimate.workspace, took + took / 2 + kPacked);
}

}  // namespace
}  // namespace xlstm::testing
