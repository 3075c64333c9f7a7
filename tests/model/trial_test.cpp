// What is kept of tokens read on trial is what reading them alone gives, on every backend.
#include "xlstm/model/trial.h"

#include <gtest/gtest.h>

#include "tests/model/fixture.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

class TrialTest : public ::testing::TestWithParam<BackendCase> {
 protected:
  const Model& model() const { return odd_model_on(GetParam()); }
  double bound(std::size_t S) const {
    return rounding_bound(model().plan(), S) +
           (GetParam().is_float32() ? 0 : 2 * bfloat16_activations_bound(model().plan()));
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, TrialTest, ::testing::ValuesIn(all_backends()), backend_name);

std::vector<std::int32_t> part_of(const std::vector<std::int32_t>& ids, std::int64_t begin,
                                  std::int64_t end) {
  return {ids.begin() + begin, ids.begin() + end};
}

TEST_P(TrialTest, TheFirstTokensAreKeptOfEachRow) {
  const auto before = random_ids(3 * 20, model().plan().V, 1);
  const std::vector<State> start = run_from_start(model(), before, 3).states;
  for (const std::int64_t S : {1, 2, 5, 63, 64, 65}) {
    const auto ids = random_ids(static_cast<std::size_t>(3 * S), model().plan().V, 2);
    for (const std::vector<std::int64_t>& n :
         {std::vector<std::int64_t>{0, S, S / 2}, {S - 1, 1, 0}, {S, S, S}}) {
      const auto states = model().backend().state_batch();
      for (const State& state : start) states->add(state);
      Trial trial(model(), *states, ids);
      const RunResult all = run(model(), start, ids);
      EXPECT_LE(relative_difference(values_of(model().backend(), trial.logits()), all.logits),
                bound(20 + static_cast<std::size_t>(S)));
      trial.accept(n);
      for (std::size_t row = 0; row < 3; ++row) {
        const auto at = static_cast<std::int64_t>(row) * S;
        const State alone =
            n[row] == 0 ? start[row]
                        : run(model(), {start[row]}, part_of(ids, at, at + n[row])).states.front();
        EXPECT_LE(state_difference(model().backend(), states->copy(row), alone),
                  bound(20 + static_cast<std::size_t>(n[row])))
            << "S " << S << " row " << row << " n " << n[row];
      }
    }
  }
}

TEST_P(TrialTest, TheStatesBeforeAreNotTouched) {
  const auto ids = random_ids(30, model().plan().V, 3);
  const State start = run_from_start(model(), ids).states.front();
  const auto states = model().states_of(start);
  Trial(model(), *states, ids).accept(std::vector<std::int64_t>{4});
  EXPECT_EQ(state_difference(model().backend(), start, run_from_start(model(), ids).states.front()),
            0);
}

TEST_P(TrialTest, WhatCannotBeIsRefused) {
  const auto states = model().initial_states(2);
  EXPECT_THROW(Trial(model(), *states, {}), Error);
  EXPECT_THROW(Trial(model(), *states, std::vector<std::int32_t>{1, 2, 3}), Error);
  Trial trial(model(), *states, std::vector<std::int32_t>{1, 2, 3, 4});
  EXPECT_THROW(trial.accept(std::vector<std::int64_t>{1}), Error);
  EXPECT_THROW(trial.accept(std::vector<std::int64_t>{1, 3}), Error);
  EXPECT_THROW(trial.accept(std::vector<std::int64_t>{-1, 2}), Error);
  trial.accept(std::vector<std::int64_t>{1, 2});
  EXPECT_EQ(states->positions(), (std::vector<std::uint64_t>{1, 2}));
}

}  // namespace
}  // namespace xlstm::testing
