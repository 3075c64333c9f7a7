// Two backends in two threads at once, of one kind and of two.
#include <gtest/gtest.h>

#include <barrier>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "tests/generate/classics.h"
#include "xlstm/generate/generator.h"

namespace xlstm {
namespace {

using Ids = std::vector<TokenId>;

constexpr std::int64_t kTokens = 24;

using TwoCases = std::pair<testing::BackendCase, testing::BackendCase>;

// Kernels beside kernels, kernels beside a graph, two graphs.
std::vector<TwoCases> pairs() {
  const auto cases = testing::float32_backends();
  const testing::BackendCase &cpu = cases.at(0), &mlx = cases.at(1);
  return {{cpu, cpu}, {cpu, mlx}, {mlx, mlx}};
}

class TwoBackends : public ::testing::TestWithParam<TwoCases> {
 protected:
  // Answers to a golden prompt, meeting the other thread at the first text.
  void answer(const test::Classics& classics, const std::string& prompt) {
    State state = classics.model.initial_state();
    bool met = false;
    const Completion out =
        generate(classics.model, classics.tokenizer, state, test::golden_ids(prompt + ".ids"),
                 {.max_tokens = kTokens, .sampling = {.temperature = 0}}, [&](std::string_view) {
                   if (!met) both_.arrive_and_wait();
                   return met = true;
                 });
    Ids wanted = test::golden_continuation(prompt);
    wanted.resize(kTokens);
    EXPECT_EQ(out.tokens, wanted);
  }

  // The same, but for what a callback throws in the middle.
  void fail(const test::Classics& classics, const std::string& prompt) {
    State state = classics.model.initial_state();
    int pieces = 0;
    EXPECT_THROW(
        generate(classics.model, classics.tokenizer, state, test::golden_ids(prompt + ".ids"),
                 {.max_tokens = kTokens, .sampling = {.temperature = 0}},
                 [&](std::string_view) {
                   if (++pieces == 1) both_.arrive_and_wait();
                   if (pieces == 4) throw std::logic_error("no");
                   return true;
                 }),
        std::logic_error);
    EXPECT_EQ(state.position, 0U);
  }

  std::barrier<> both_{2};
};
INSTANTIATE_TEST_SUITE_P(Backends, TwoBackends, ::testing::ValuesIn(pairs()), [](const auto& each) {
  return std::string(each.param.first.name) + "_and_" + each.param.second.name;
});

TEST_P(TwoBackends, AnswerBesideEachOther) {
  const test::Classics here = test::open_classics(GetParam().first),
                       there = test::open_classics(GetParam().second);
  test::golden_ids("p0.ids");  // opened before
  std::thread thread([&] { answer(there, "p1"); });
  answer(here, "p0");
  thread.join();
}

TEST_P(TwoBackends, OneGoesOnWhereTheOtherFails) {
  const test::Classics here = test::open_classics(GetParam().first),
                       there = test::open_classics(GetParam().second);
  test::golden_ids("p0.ids");
  std::thread thread([&] { fail(there, "p1"); });
  answer(here, "p0");
  thread.join();
  std::thread again([&] { answer(there, "p1"); });
  answer(here, "p2");
  again.join();
}

}  // namespace
}  // namespace xlstm
