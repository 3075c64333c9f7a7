// The whole chain: distributions, seeds, what is refused.
#include "xlstm/generate/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "mlx/mlx.h"
#include "tests/generate/chi_square.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

namespace mx = mlx::core;
using test::fit;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// A right sampler fails a test with this probability, for one seed once and for all.
constexpr double kRejected = 1e-6;

const std::vector<float> kLogits = {2.0F, -1.0F, 0.5F, 1.5F, 0.0F, -0.5F, 1.0F, 2.5F};
constexpr int V = 8;

mx::array batch_of(const std::vector<float>& logits, int B) {
  const int width = static_cast<int>(logits.size());
  return mx::broadcast_to(mx::array(logits.begin(), {1, width}), {B, width});
}

std::vector<TokenId> ids_of(mx::array tokens) {
  tokens = mx::contiguous(tokens);
  tokens.eval();
  EXPECT_EQ(tokens.dtype(), mx::int32);
  return {tokens.data<TokenId>(), tokens.data<TokenId>() + tokens.size()};
}

std::vector<std::int64_t> counts_of(const Sampling& sampling, const std::vector<float>& logits,
                                    int rounds = 20, int B = 2000) {
  Sampler sampler(sampling, static_cast<std::int64_t>(logits.size()));
  std::vector<std::int64_t> counts(logits.size(), 0);
  for (int i = 0; i < rounds; ++i) {
    for (const TokenId id : ids_of(sampler.sample(batch_of(logits, B))))
      ++counts.at(static_cast<std::size_t>(id));
  }
  return counts;
}

std::vector<double> softmax(const std::vector<float>& logits, double temperature = 1) {
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  for (const float l : logits) p.push_back(std::exp((l - top) / temperature));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= sum;
  return p;
}

// p without all but the `keep` largest, renormalised.
std::vector<double> truncated(std::vector<double> p, std::size_t keep) {
  std::vector<double> sorted = p;
  std::sort(sorted.rbegin(), sorted.rend());
  double sum = 0;
  for (double& x : p) sum += x = x >= sorted[keep - 1] ? x : 0;
  for (double& x : p) x /= sum;
  return p;
}

TEST(ChiSquare, tail_has_the_textbook_values) {
  EXPECT_NEAR(test::chi_square_tail(3.841458821, 1), 0.05, 1e-9);
  EXPECT_NEAR(test::chi_square_tail(18.307038053, 10), 0.05, 1e-9);
  EXPECT_NEAR(test::chi_square_tail(2.0, 2), std::exp(-1.0), 1e-12);
  EXPECT_NEAR(test::chi_square_tail(40.0, 2), std::exp(-20.0), 1e-18);
}

TEST(Sampling, plain_draws_from_the_softmax) {
  const auto counts = counts_of({.seed = 1}, kLogits);
  EXPECT_GT(fit(counts, softmax(kLogits)), kRejected);
  EXPECT_LT(fit(counts, softmax(kLogits, 1.1)), kRejected);  // and the test can tell
}

TEST(Sampling, temperature_sharpens_and_flattens) {
  for (const float t : {0.5F, 1.7F, 10.0F}) {
    EXPECT_GT(fit(counts_of({.temperature = t, .seed = 2}, kLogits), softmax(kLogits, t)),
              kRejected)
        << t;
  }
}

TEST(Sampling, top_k_draws_from_the_k_likeliest) {
  for (const int k : {1, 2, 5, 7, 8, 9}) {
    const auto expected = truncated(softmax(kLogits), static_cast<std::size_t>(std::min(k, V)));
    EXPECT_GT(fit(counts_of({.top_k = k, .seed = 3}, kLogits), expected), kRejected) << k;
  }
}

TEST(Sampling, top_p_draws_from_the_nucleus) {
  // Cumulative mass of kLogits' softmax, sorted: 0.400, 0.643, 0.790, 0.879, 0.933, 0.966,
  // 0.986, 1.
  const std::vector<std::pair<float, std::size_t>> cases = {
      {0.1F, 1}, {0.5F, 2}, {0.7F, 3}, {0.85F, 4}, {0.98F, 7}};
  for (const auto& [p, keep] : cases) {
    const auto expected = truncated(softmax(kLogits), keep);
    EXPECT_GT(fit(counts_of({.top_p = p, .seed = 4}, kLogits), expected), kRejected) << p;
  }
}

TEST(Sampling, min_p_draws_from_what_is_likely_enough) {
  // Relative to the likeliest, sorted: 1, 0.607, 0.368, 0.223, 0.135, 0.082, 0.050, 0.030.
  const std::vector<std::pair<float, std::size_t>> cases = {
      {0.9F, 1}, {0.3F, 3}, {0.1F, 5}, {0.01F, 8}};
  for (const auto& [p, keep] : cases) {
    const auto expected = truncated(softmax(kLogits), keep);
    EXPECT_GT(fit(counts_of({.min_p = p, .seed = 5}, kLogits), expected), kRejected) << p;
  }
}

TEST(Sampling, temperature_comes_before_the_cuts) {
  // At temperature 2 the cumulative mass is 0.249, 0.443, 0.594, ...: 0.5 takes three tokens, not
  // two.
  const auto expected = truncated(softmax(kLogits, 2), 3);
  EXPECT_GT(fit(counts_of({.temperature = 2, .top_p = 0.5F, .seed = 6}, kLogits), expected),
            kRejected);
}

TEST(Sampling, top_k_comes_before_top_p) {
  // Of the two likeliest the first holds 0.62: enough for 0.6, though it has only 0.4 of the whole.
  const auto counts = counts_of({.top_k = 2, .top_p = 0.6F, .seed = 7}, kLogits);
  EXPECT_EQ(counts[7], 40'000);
}

TEST(Sampling, all_parts_together) {
  Sampling all = {.temperature = 1.5F, .top_k = 6, .top_p = 0.95F, .min_p = 0.2F, .seed = 8};
  all.logit_bias = {{1, 3.5F}, {7, -kInf}};
  const std::vector<float> biased = {2.0F, 2.5F, 0.5F, 1.5F, 0.0F, -0.5F, 1.0F, -kInf};
  // Six of seven are left by top_k; 0.95 of their mass takes all six; 0.2 of the likeliest, in
  // logits 1.5 * log(0.2) = -2.41 below 2.5, drops the one at 0.0.
  EXPECT_GT(fit(counts_of(all, kLogits), truncated(softmax(biased, 1.5), 5)), kRejected);
}

TEST(Sampling, rare_tokens_of_a_large_vocabulary_have_their_share) {
  // 20,000 tokens, ten classes of 2,000 with equal logits inside; the rarest class has 0.6%.
  std::vector<float> logits(20'000);
  std::vector<double> expected(10, 0);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = -0.5F * static_cast<float>(i % 10);
  const std::vector<double> p = softmax(logits);
  for (std::size_t i = 0; i < p.size(); ++i) expected[i % 10] += p[i];
  Sampler sampler({.seed = 9}, 20'000);
  std::vector<std::int64_t> counts(10, 0);
  for (int round = 0; round < 40; ++round) {
    for (const TokenId id : ids_of(sampler.sample(batch_of(logits, 100))))
      ++counts[static_cast<std::size_t>(id % 10)];
  }
  EXPECT_GT(fit(counts, expected), kRejected);
}

// The pairs of two tokens' draws against the product of their distributions.
double independence(const std::vector<std::pair<TokenId, TokenId>>& pairs,
                    const std::vector<float>& logits) {
  const std::vector<double> p = softmax(logits);
  std::vector<std::int64_t> counts(p.size() * p.size(), 0);
  std::vector<double> expected;
  for (const double a : p) {
    for (const double b : p) expected.push_back(a * b);
  }
  for (const auto& [a, b] : pairs)
    ++counts[static_cast<std::size_t>(a) * p.size() + static_cast<std::size_t>(b)];
  return fit(counts, expected);
}

TEST(Sampling, rows_and_steps_are_independent) {
  const std::vector<float> logits = {0, 0.5F, 1, -0.5F};
  Sampler sampler({.seed = 10}, 4);
  std::vector<std::pair<TokenId, TokenId>> rows, steps;
  std::vector<TokenId> last;
  for (int i = 0; i < 60; ++i) {
    const std::vector<TokenId> now = ids_of(sampler.sample(batch_of(logits, 200)));
    for (std::size_t b = 0; b + 1 < now.size(); b += 2) rows.emplace_back(now[b], now[b + 1]);
    if (i % 2 == 1) {
      for (std::size_t b = 0; b < now.size(); ++b) steps.emplace_back(last[b], now[b]);
    }
    last = now;
  }
  EXPECT_GT(independence(rows, logits), kRejected);
  EXPECT_GT(independence(steps, logits), kRejected);
}

TEST(Sampling, each_row_draws_from_its_own_logits) {
  Sampler sampler({.seed = 11}, 3);
  const std::vector<float> logits = {0, -kInf, -kInf, -kInf, 0, -kInf, -kInf, -kInf, 0};
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(ids_of(sampler.sample(mx::array(logits.begin(), {3, 3}))),
              (std::vector<TokenId>{0, 1, 2}));
  }
}

std::vector<TokenId> run(const Sampling& sampling, int steps) {
  Sampler sampler(sampling, V);
  std::vector<TokenId> ids;
  for (int i = 0; i < steps; ++i) ids.push_back(ids_of(sampler.sample(batch_of(kLogits, 1)))[0]);
  return ids;
}

TEST(Sampling, same_seed_same_tokens_other_seed_other_tokens) {
  EXPECT_EQ(run({.seed = 42}, 100), run({.seed = 42}, 100));
  EXPECT_NE(run({.seed = 42}, 100), run({.seed = 43}, 100));
  EXPECT_NE(run({.seed = 42}, 100), run({.seed = 42 + (std::uint64_t{1} << 32)}, 100));
}

TEST(Sampling, without_a_seed_one_is_made_up_and_told) {
  const Sampler first({}, V), second({}, V);
  EXPECT_NE(first.seed(), second.seed());  // equal once in 2^32
  EXPECT_EQ(Sampler({.seed = 7}, V).seed(), 7U);
}

TEST(Sampling, laziness_does_not_change_the_draw) {
  Sampler eager({.seed = 5}, V), lazy({.seed = 5}, V);
  std::vector<mx::array> queued;
  for (int i = 0; i < 20; ++i) queued.push_back(lazy.sample(batch_of(kLogits, 3)));
  mx::eval(queued);
  for (const mx::array& tokens : queued)
    EXPECT_EQ(ids_of(eager.sample(batch_of(kLogits, 3))), ids_of(tokens));
}

TEST(Sampling, temperature_zero_takes_the_likeliest_and_the_lower_of_equals) {
  EXPECT_EQ(run({.temperature = 0}, 3), (std::vector<TokenId>{7, 7, 7}));
  Sampler sampler({.temperature = 0}, 4);
  EXPECT_EQ(ids_of(sampler.sample(mx::array({1.0F, 3.0F, 3.0F, 2.0F}, {1, 4}))),
            (std::vector<TokenId>{1}));
}

TEST(Sampling, all_but_one_masked_leaves_that_one) {
  std::vector<float> logits(1000, -kInf);
  logits[617] = -3;
  for (const Sampling& sampling :
       {Sampling{.seed = 1}, Sampling{.temperature = 0},
        Sampling{.temperature = 0.3F, .top_k = 5, .top_p = 0.9F, .min_p = 0.1F, .seed = 1}}) {
    Sampler sampler(sampling, 1000);
    for (const TokenId id : ids_of(sampler.sample(batch_of(logits, 500)))) ASSERT_EQ(id, 617);
  }
}

TEST(Sampling, tokens_that_must_never_come_never_come) {
  const std::vector<TokenId> never = {7, 0, 3};
  for (Sampling sampling :
       {Sampling{.seed = 1}, Sampling{.temperature = 0}, Sampling{.temperature = 100, .seed = 2}}) {
    sampling.logit_bias = {{7, 100.0F}};
    Sampler sampler(sampling, V, never);
    for (const TokenId id : ids_of(sampler.sample(batch_of(kLogits, 2000)))) {
      ASSERT_EQ(std::count(never.begin(), never.end(), id), 0) << id;
    }
  }
}

TEST(Sampling, bias_of_a_hundred_decides) {
  Sampling sampling = {.seed = 3};
  sampling.logit_bias = {{1, 100.0F}};
  EXPECT_EQ(counts_of(sampling, kLogits, 1)[1], 2000);
}

TEST(Sampling, penalties_count_prompt_and_chosen_tokens) {
  // Greedy over logits 3, 2.5, 2 with 1 off for each time seen; the prompt saw token 0 once:
  // 2, 2.5, 2.
  Sampler sampler({.frequency_penalty = 1, .temperature = 0}, 3);
  sampler.see({0});
  std::vector<TokenId> chosen;
  for (int i = 0; i < 5; ++i)
    chosen.push_back(ids_of(sampler.sample(mx::array({3.0F, 2.5F, 2.0F}, {1, 3})))[0]);
  EXPECT_EQ(chosen, (std::vector<TokenId>{1, 0, 2, 1, 0}));
}

TEST(Sampling, penalties_count_each_row_for_itself) {
  Sampler sampler({.presence_penalty = 10, .temperature = 0}, 3);
  sampler.see({2});
  const mx::array logits({3.0F, 2.0F, 9.0F, 1.0F, 4.0F, 9.0F}, {2, 3});
  EXPECT_EQ(ids_of(sampler.sample(logits)), (std::vector<TokenId>{0, 1}));
  EXPECT_EQ(ids_of(sampler.sample(logits)), (std::vector<TokenId>{1, 0}));
}

std::string refusal(const Sampling& sampling) {
  try {
    check(sampling, V);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "accepted";
}

TEST(Sampling, check_accepts_the_borders) {
  EXPECT_EQ(refusal({}), "accepted");
  EXPECT_EQ(refusal({.temperature = 0, .top_k = 1 << 30, .top_p = 1e-30F, .min_p = 1}), "accepted");
  EXPECT_EQ(refusal({.logit_bias = {{0, -kInf}, {V - 1, -1e30F}}}), "accepted");
  EXPECT_EQ(refusal({.presence_penalty = -2, .frequency_penalty = -2}), "accepted");
}

TEST(Sampling, check_names_field_wanted_and_got) {
  EXPECT_THAT(refusal({.top_p = 7}),
              AllOf(HasSubstr("[top_p]"), HasSubstr("(0, 1]"), HasSubstr("got 7")));
  for (const float p : {0.0F, -0.1F, 1.001F, kNaN, kInf})
    EXPECT_THAT(refusal({.top_p = p}), HasSubstr("[top_p]"));
  for (const float p : {-0.1F, 1.001F, kNaN})
    EXPECT_THAT(refusal({.min_p = p}), HasSubstr("[min_p]"));
  for (const float t : {-0.1F, kNaN, kInf})
    EXPECT_THAT(refusal({.temperature = t}), HasSubstr("[temperature]"));
  for (const float p : {0.0F, -1.0F, kNaN, kInf}) {
    EXPECT_THAT(refusal({.repetition_penalty = p}), HasSubstr("[repetition_penalty]"));
  }
  for (const float p : {kNaN, kInf, -kInf}) {
    EXPECT_THAT(refusal({.presence_penalty = p}), HasSubstr("[presence_penalty]"));
    EXPECT_THAT(refusal({.frequency_penalty = p}), HasSubstr("[frequency_penalty]"));
  }
  EXPECT_THAT(refusal({.top_k = -1}), AllOf(HasSubstr("[top_k]"), HasSubstr("got -1")));
}

TEST(Sampling, check_refuses_wrong_biases) {
  EXPECT_THAT(refusal({.logit_bias = {{V, 1.0F}}}),
              AllOf(HasSubstr("[logit_bias]"), HasSubstr("[0, 8)"), HasSubstr("got 8")));
  EXPECT_THAT(refusal({.logit_bias = {{-1, 1.0F}}}), HasSubstr("got -1"));
  EXPECT_THAT(refusal({.logit_bias = {{0, kNaN}}}), HasSubstr("[logit_bias]"));
  EXPECT_THAT(refusal({.logit_bias = {{0, kInf}}}), HasSubstr("[logit_bias]"));
}

TEST(Sampling, wrong_cuts_are_refused_in_a_greedy_run_too) {
  EXPECT_THAT(refusal({.temperature = 0, .top_p = 7}), HasSubstr("[top_p]"));
}

TEST(Sampling, refuses_to_leave_no_token) {
  Sampling sampling;
  for (TokenId id = 0; id < V; ++id) sampling.logit_bias[id] = -kInf;
  EXPECT_THAT(refusal(sampling), HasSubstr("at least one token"));
  sampling.logit_bias = {{0, -kInf}, {1, -kInf}};
  EXPECT_THROW(Sampler(sampling, 4, {2, 3}), Error);
  EXPECT_NO_THROW(Sampler(sampling, 4, {2}));
}

TEST(Sampling, see_refuses_ids_outside_the_vocabulary) {
  Sampler sampler({.presence_penalty = 1}, V);
  EXPECT_THROW(sampler.see({V}), Error);
  EXPECT_THROW(sampler.see({-1}), Error);
}

}  // namespace
}  // namespace xlstm
