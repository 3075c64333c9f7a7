// The choice of tokens on every backend against its definition: float64, sorts, one step after the
// other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <span>

#include "tests/backend/backends.h"
#include "tests/backend/chi_square.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

using test::fit;
using ::testing::HasSubstr;
using Id = std::int32_t;
using Ids = std::vector<Id>;
using Logits = std::vector<float>;
using Seen = std::vector<std::int64_t>;  // how often each token was

constexpr float kInf = std::numeric_limits<float>::infinity();

// A right sampler fails a test with this probability, for one seed once and for all.
constexpr double kRejected = 1e-6;

const Logits kLogits = {2.0F, -1.0F, 0.5F, 1.5F, 0.0F, -0.5F, 1.0F, 2.5F};
constexpr int V = 8;

// --- the definition --------------------------------------------------------------------------

// Ids by their logits, largest first, of equals the lower id; without those that are masked.
Ids in_order(const std::vector<double>& logits) {
  Ids ids;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != -kInf) ids.push_back(static_cast<Id>(i));
  }
  std::stable_sort(ids.begin(), ids.end(), [&](Id a, Id b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  return ids;
}

std::vector<double> softmax(const std::vector<double>& logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  for (const double l : logits) p.push_back(std::exp(l - top));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= sum;
  return p;
}

void mask_all_but(std::vector<double>& logits, std::span<const Id> kept) {
  const std::set<Id> stay(kept.begin(), kept.end());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!stay.contains(static_cast<Id>(i))) logits[i] = -kInf;
  }
}

// How many of the likeliest tokens reach mass p. Fails where rounding to float32 could decide: sums
// of V numbers, each of eps relative.
std::size_t nucleus(const std::vector<double>& logits, const Ids& order, double p) {
  const std::vector<double> share = softmax(logits);
  const double rounding = static_cast<double>(logits.size()) * 0x1p-23;
  double mass = 0;
  std::size_t count = 0;
  while (count < order.size() && (count == 0 || mass < p)) {
    mass += share[static_cast<std::size_t>(order[count++])];
    EXPECT_GT(std::abs(mass - p), rounding) << "a case for another seed";
  }
  return count;
}

// What each token is drawn with. Greedy: all for the likeliest.
std::vector<double> definition(const Sampling& s, const Logits& given, const Ids& never = {},
                               const Seen& seen = {}) {
  std::vector<double> logits(given.begin(), given.end());
  for (const Id id : never) logits[static_cast<std::size_t>(id)] = -kInf;
  for (const auto& [id, bias] : s.logit_bias) {
    logits[static_cast<std::size_t>(id)] += static_cast<double>(bias);
  }
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen[i] == 0) continue;
    double& l = logits[i];
    const double penalty = s.repetition_penalty;
    l = l > 0 ? l / penalty : l * penalty;
    l -= s.presence_penalty;
    l -= s.frequency_penalty * static_cast<double>(seen[i]);
  }
  if (s.is_greedy()) {
    const Ids order = in_order(logits);
    mask_all_but(logits, std::span(order).first(1));
    return softmax(logits);
  }
  for (double& l : logits) l /= s.temperature;
  const Ids by_k = in_order(logits);
  if (s.top_k > 0) {
    const auto k = std::min(static_cast<std::size_t>(s.top_k), by_k.size());
    mask_all_but(logits, std::span(by_k).first(k));
  }
  if (s.top_p < 1) {
    const Ids order = in_order(logits);
    mask_all_but(logits, std::span(order).first(nucleus(logits, order, s.top_p)));
  }
  const double top = *std::max_element(logits.begin(), logits.end());
  for (double& l : logits) {
    if (s.min_p > 0 && l < top + std::log(static_cast<double>(s.min_p))) l = -kInf;
  }
  return softmax(logits);
}

// --- what backends draw ----------------------------------------------------------------------

class SamplerTest : public ::testing::TestWithParam<testing::BackendCase> {
 protected:
  std::unique_ptr<Sampler> sampler(const Sampling& sampling, std::uint64_t seed,
                                   std::size_t width = V, const Ids& never = {}) {
    return backend_->sampler(sampling, seed, static_cast<std::int64_t>(width), never);
  }
  Tensor tensor(const Logits& logits) {
    return backend_->floats({1, static_cast<std::int64_t>(logits.size())}, logits);
  }
  Id id_of(const Tensor& token) { return backend_->read_ids(token).front(); }

  // One after the other from the same logits; asked for together, so that a lazy backend has a
  // graph of many.
  Ids draw(Sampler& from, const Logits& logits, std::size_t count) {
    const Tensor row = tensor(logits);
    Ids ids;
    while (ids.size() < count) {
      std::vector<Tensor> tokens;
      for (std::size_t i = 0; i < std::min<std::size_t>(100, count - ids.size()); ++i) {
        tokens.push_back(backend_->sample(from, row));
        EXPECT_EQ(tokens.back().shape(), TensorShape({1}));
      }
      backend_->evaluate(tokens);
      for (const Tensor& token : tokens) ids.push_back(id_of(token));
    }
    return ids;
  }
  Ids draw(const Sampling& sampling, const Logits& logits, std::size_t count,
           std::uint64_t seed = 1, const Ids& never = {}) {
    return draw(*sampler(sampling, seed, logits.size(), never), logits, count);
  }

  // Whether tokens come as often as the definition says, and all that stay do come.
  double fit_of(const Sampling& sampling, const Logits& logits, std::uint64_t seed = 1,
                std::size_t draws = kDraws) {
    return fit(counted(draw(sampling, logits, draws, seed), logits.size()),
               definition(sampling, logits));
  }

  static Seen counted(const Ids& ids, std::size_t width) {
    Seen counts(width, 0);
    for (const Id id : ids) ++counts.at(static_cast<std::size_t>(id));
    return counts;
  }

  static constexpr std::size_t kDraws = 2000;
  std::shared_ptr<Backend> backend_ = GetParam().make();
};
INSTANTIATE_TEST_SUITE_P(Backends, SamplerTest, ::testing::ValuesIn(testing::float32_backends()),
                         testing::backend_name);

TEST(ChiSquare, TailHasTheTextbookValues) {
  EXPECT_NEAR(test::chi_square_tail(3.841458821, 1), 0.05, 1e-9);
  EXPECT_NEAR(test::chi_square_tail(18.307038053, 10), 0.05, 1e-9);
  EXPECT_NEAR(test::chi_square_tail(2.0, 2), std::exp(-1.0), 1e-12);
  EXPECT_NEAR(test::chi_square_tail(40.0, 2), std::exp(-20.0), 1e-18);
}

TEST_P(SamplerTest, DrawsFromTheSoftmax) {
  EXPECT_GT(fit_of({}, kLogits), kRejected);
  const Seen counts = counted(draw({}, kLogits, kDraws), V);
  EXPECT_LT(fit(counts, definition({.temperature = 1.6F}, kLogits)), kRejected);  // it can tell
}

TEST_P(SamplerTest, TemperatureSharpensAndFlattens) {
  for (const float t : {0.5F, 1.7F, 10.0F}) {
    EXPECT_GT(fit_of({.temperature = t}, kLogits, 2), kRejected) << t;
  }
}

TEST_P(SamplerTest, ATinyTemperatureLeavesTheLikeliest) {
  const Sampling tiny = {.temperature = std::numeric_limits<float>::denorm_min()};
  EXPECT_EQ(draw(tiny, kLogits, 20), Ids(20, 7));
}

TEST_P(SamplerTest, TopKDrawsFromTheKLikeliest) {
  for (const int k : {1, 2, 5, 7, 8, 9}) {
    EXPECT_GT(fit_of({.top_k = k}, kLogits, 3), kRejected) << k;
  }
}

TEST_P(SamplerTest, TopPDrawsFromTheNucleus) {
  // Cumulative mass of kLogits' softmax, sorted: 0.400, 0.643, 0.790, 0.879, 0.933, 0.966,
  // 0.986, 1.
  for (const float p : {0.1F, 0.5F, 0.7F, 0.85F, 0.98F}) {
    EXPECT_GT(fit_of({.top_p = p}, kLogits, 4), kRejected) << p;
  }
}

TEST_P(SamplerTest, MinPDrawsFromWhatIsLikelyEnough) {
  // Relative to the likeliest, sorted: 1, 0.607, 0.368, 0.223, 0.135, 0.082, 0.050, 0.030.
  for (const float p : {0.9F, 0.3F, 0.1F, 0.01F}) {
    EXPECT_GT(fit_of({.min_p = p}, kLogits, 5), kRejected) << p;
  }
}

TEST_P(SamplerTest, PartsComeInTheirOrder) {
  // At temperature 2 the cumulative mass is 0.249, 0.443, 0.594, ...: 0.5 takes three tokens, not
  // two.
  EXPECT_GT(fit_of({.temperature = 2, .top_p = 0.5F}, kLogits, 6), kRejected);
  // Of the two likeliest the first holds 0.62: enough for 0.6, though it has only 0.4 of the whole.
  EXPECT_EQ(draw({.top_k = 2, .top_p = 0.6F}, kLogits, 200), Ids(200, 7));
}

TEST_P(SamplerTest, AllPartsTogether) {
  Sampling all = {.temperature = 1.5F, .top_k = 6, .top_p = 0.95F, .min_p = 0.2F};
  all.logit_bias = {{1, 3.5F}, {7, -kInf}};
  EXPECT_GT(fit_of(all, kLogits, 8), kRejected);
}

// The tokens that `draws` draws may bring, all of them: each has a share of at least kLeast.
constexpr double kLeast = 0.04;

// Random options of all parts, cuts among them that leave few enough for each to come.
Sampling random_options(std::mt19937& random, std::size_t width) {
  const auto one_of = [&](auto... values) {
    const std::vector<float> all = {static_cast<float>(values)...};
    return all[random() % all.size()];
  };
  Sampling s;
  for (int i = 0; i < 3; ++i) {
    s.logit_bias[static_cast<Id>(random() % width)] = one_of(-1, 1.5, -kInf, 0.25);
  }
  s.repetition_penalty = one_of(1, 1.3, 0.7);
  s.presence_penalty = one_of(0, 0.5, -0.5);
  s.frequency_penalty = one_of(0, 0.25, -0.25);
  s.temperature = one_of(0.6, 1, 1.8);
  s.top_k = static_cast<int>(one_of(0, 3, 6, 12));
  s.top_p = one_of(1, 0.4, 0.75, 0.9);
  s.min_p = one_of(0.1, 0.25, 0.6);
  return s;
}

TEST_P(SamplerTest, TheTokensThatStayAreTheDefinitionS) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0, 2);
  constexpr std::size_t kWidth = 60;
  // A token with a share of kLeast or more is missed by this many draws with (1 - 0.04)^500 = 1e-9.
  constexpr std::size_t kEnough = 500;
  int cases = 0, small = 0;
  while (cases < 15) {
    Logits logits(kWidth);
    for (float& l : logits) l = normal(random);
    for (int i = 0; i < 5; ++i) logits[random() % kWidth] = 3;  // equals
    logits[random() % kWidth] = -kInf;
    const Sampling options = random_options(random, kWidth);
    const Ids never = {static_cast<Id>(random() % kWidth), static_cast<Id>(random() % kWidth)};
    Ids prompt(4);
    for (Id& id : prompt) id = static_cast<Id>(random() % kWidth);
    const auto p = definition(options, logits, never, counted(prompt, kWidth));
    std::set<Id> wanted, got;
    for (std::size_t i = 0; i < kWidth; ++i) {
      if (p[i] > 0) wanted.insert(static_cast<Id>(i));
    }
    if (std::ranges::any_of(p, [](double x) { return x > 0 && x < kLeast; })) continue;
    ++cases;
    small += wanted.size() < 3 ? 1 : 0;
    // A drawn token counts as seen, so that each draw has a sampler of its own.
    const Tensor row = tensor(logits);
    std::vector<Tensor> tokens;
    for (std::size_t i = 0; i < kEnough; ++i) {
      const auto from = sampler(options, 1000 + i, kWidth, never);
      from->see(prompt);
      tokens.push_back(backend_->sample(*from, row));
      if (tokens.size() == 50) {
        backend_->evaluate(tokens);
        for (const Tensor& token : tokens) got.insert(id_of(token));
        tokens.clear();
      }
    }
    EXPECT_EQ(got, wanted) << "case " << cases;
  }
  EXPECT_LT(small, 10);  // most have something to choose from
}

TEST_P(SamplerTest, OfEqualsTheLowerIdsStay) {
  const auto kept = [&](const Sampling& sampling, const Logits& logits) {
    const Ids ids = draw(sampling, logits, 200);  // a quarter is missed with 0.75^200 = 1e-25
    return std::set<Id>(ids.begin(), ids.end());
  };
  EXPECT_EQ(kept({.top_k = 1}, {2, 2, 2, 2}), (std::set<Id>{0}));
  EXPECT_EQ(kept({.top_k = 3}, {2, 2, 2, 2}), (std::set<Id>{0, 1, 2}));
  EXPECT_EQ(kept({.top_k = 3}, {0, 7, 7, 7, 7, 7}), (std::set<Id>{1, 2, 3}));
  EXPECT_EQ(kept({.top_p = 0.3F}, {3, 3, 3, 3}), (std::set<Id>{0, 1}));
  EXPECT_EQ(kept({.top_p = 0.7F}, {3, 3, 3, 3}), (std::set<Id>{0, 1, 2}));
  // 0.5, 0.25 and two of 0.125: 0.8 takes one of the two.
  const float ln2 = std::log(2.0F);
  EXPECT_EQ(kept({.top_p = 0.8F}, {-3 * ln2, -ln2, -3 * ln2, -2 * ln2}), (std::set<Id>{0, 1, 3}));
}

TEST_P(SamplerTest, CutsLeaveOneAtLeast) {
  for (const Logits& logits : {Logits{1, 1, 1}, Logits{1, 2, 3}, Logits(1, 4.0F),
                               Logits(1000, 0.5F), Logits{-kInf, 2, -kInf}}) {
    const auto likeliest =
        static_cast<Id>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    for (const float p : {std::numeric_limits<float>::min(), 1e-9F, 1e-7F}) {
      EXPECT_EQ(draw({.top_p = p}, logits, 5), Ids(5, likeliest)) << p << ", " << logits.size();
    }
    EXPECT_EQ(draw({.top_k = 1, .top_p = 1e-9F, .min_p = 1}, logits, 5), Ids(5, likeliest));
  }
}

TEST_P(SamplerTest, FewLikelyTokensOfALargeVocabulary) {
  constexpr std::size_t kWidth = 50'304;
  std::mt19937 random(3);
  Logits logits(kWidth);
  for (float& l : logits) l = static_cast<float>(random() % 1000) / 1000 - 8;
  std::map<float, Id> likely;  // 3.0, 2.5, ... somewhere
  for (int i = 0; i < 8; ++i) {
    const auto at = static_cast<std::size_t>(random() % kWidth);
    logits[at] = 3 - 0.5F * static_cast<float>(i);
    likely[-logits[at]] = static_cast<Id>(at);
  }
  ASSERT_EQ(likely.size(), 8U);
  for (const Sampling& cut :
       {Sampling{.top_k = 4}, Sampling{.top_p = 0.3F}, Sampling{.min_p = 0.3F}}) {
    const auto p = definition(cut, logits);
    EXPECT_GT(fit(counted(draw(cut, logits, 400), kWidth), p), kRejected);
    EXPECT_LE(std::ranges::count_if(p, [](double x) { return x > 0; }), 4);
  }
}

TEST_P(SamplerTest, RareTokensOfALargeVocabularyHaveTheirShare) {
  // 20,000 tokens, ten classes of 2,000 with equal logits inside; the rarest class has 0.4%.
  Logits logits(20'000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = -0.5F * static_cast<float>(i % 10);
  const std::vector<double> p = definition({}, logits);
  std::vector<double> expected(10, 0);
  for (std::size_t i = 0; i < p.size(); ++i) expected[i % 10] += p[i];
  Seen counts(10, 0);
  for (const Id id : draw({}, logits, 2000, 9)) ++counts[static_cast<std::size_t>(id % 10)];
  EXPECT_GT(fit(counts, expected), kRejected);
}

TEST_P(SamplerTest, StepsAreIndependent) {
  const Logits logits = {0, 0.5F, 1, -0.5F};
  const Ids ids = draw({}, logits, kDraws, 10);
  const auto p = definition({}, logits);
  Seen pairs(16, 0);
  std::vector<double> expected;
  for (const double a : p) {
    for (const double b : p) expected.push_back(a * b);
  }
  for (std::size_t i = 0; i + 1 < ids.size(); i += 2) {
    ++pairs[static_cast<std::size_t>(ids[i] * 4 + ids[i + 1])];
  }
  EXPECT_GT(fit(pairs, expected), kRejected);
}

TEST_P(SamplerTest, SeedsNextToEachOtherAreIndependent) {
  // The first draws of many seeds, as of many requests.
  Seen counts(V, 0);
  const Tensor row = tensor(kLogits);
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    ++counts[static_cast<std::size_t>(id_of(backend_->sample(*sampler({}, seed), row)))];
  }
  EXPECT_GT(fit(counts, definition({}, kLogits)), kRejected);
}

TEST_P(SamplerTest, SameSeedSameTokensOtherSeedOtherTokens) {
  const Ids first = draw({}, kLogits, 100, 42);
  EXPECT_EQ(draw({}, kLogits, 100, 42), first);
  EXPECT_NE(draw({}, kLogits, 100, 43), first);
  EXPECT_NE(draw({}, kLogits, 100, 42 + (std::uint64_t{1} << 32)), first);
}

TEST_P(SamplerTest, WhenTokensAreReadDoesNotChangeThem) {
  const auto one_by_one = sampler({}, 5);
  Ids ids;
  for (int i = 0; i < 30; ++i) ids.push_back(id_of(backend_->sample(*one_by_one, tensor(kLogits))));
  EXPECT_EQ(draw({}, kLogits, 30, 5), ids);
}

TEST_P(SamplerTest, GreedyTakesTheLikeliestAndTheLowerOfEquals) {
  EXPECT_EQ(draw({.temperature = 0}, kLogits, 3), Ids(3, 7));
  EXPECT_EQ(draw({.temperature = 0}, {1, 3, 3, 2}, 3), Ids(3, 1));
  EXPECT_EQ(draw({.temperature = 0, .top_k = 1, .min_p = 1}, {1, 3, 3, 2}, 1), Ids{1});
}

TEST_P(SamplerTest, AllButOneMaskedLeavesThatOne) {
  Logits logits(1000, -kInf);
  logits[617] = -3;
  for (const Sampling& sampling :
       {Sampling{}, Sampling{.temperature = 0},
        Sampling{.temperature = 0.3F, .top_k = 5, .top_p = 0.9F, .min_p = 0.1F}}) {
    EXPECT_EQ(draw(sampling, logits, 50), Ids(50, 617));
  }
}

TEST_P(SamplerTest, TokensThatMustNeverComeNeverCome) {
  const Ids never = {7, 0, 3};
  for (Sampling sampling : {Sampling{}, Sampling{.temperature = 0}, Sampling{.temperature = 100}}) {
    sampling.logit_bias = {{7, 100.0F}};
    sampling.presence_penalty = -100;  // which lifts what was seen
    const auto from = sampler(sampling, 1, V, never);
    from->see(never);
    for (const Id id : draw(*from, kLogits, 500)) {
      ASSERT_EQ(std::count(never.begin(), never.end(), id), 0) << id;
    }
  }
}

TEST_P(SamplerTest, BiasOfAHundredDecides) {
  EXPECT_EQ(draw({.logit_bias = {{1, 100.0F}}}, kLogits, 100), Ids(100, 1));
}

TEST_P(SamplerTest, PenaltiesCountPromptAndChosenTokens) {
  // Greedy over logits 3, 2.5, 2 with 1 off for each time seen; the prompt saw token 0 once:
  // 2, 2.5, 2.
  const auto from = sampler({.frequency_penalty = 1, .temperature = 0}, 1, 3);
  from->see(Ids{0});
  EXPECT_EQ(draw(*from, {3, 2.5F, 2}, 5), (Ids{1, 0, 2, 1, 0}));
}

TEST_P(SamplerTest, EachPenaltyIsItsFormula) {
  // The likeliest after it, of logits 4, -4 and 0.
  const auto chosen = [&](const Sampling& sampling, const Ids& seen, const Logits& logits) {
    const auto from = sampler(sampling, 1, logits.size());
    from->see(seen);
    return draw(*from, logits, 1).front();
  };
  Sampling s = {.repetition_penalty = 2, .temperature = 0};
  EXPECT_EQ(chosen(s, {0, 0}, {4, 1.9F}), 0);  // 2: once, however often it was seen
  EXPECT_EQ(chosen(s, {0}, {4, 2.1F}), 1);
  EXPECT_EQ(chosen(s, {0}, {-4, -7.9F}), 1);  // -8
  EXPECT_EQ(chosen(s, {0}, {-4, -8.1F}), 0);
  s = {.presence_penalty = 0.5F, .temperature = 0};
  EXPECT_EQ(chosen(s, {0, 0, 0}, {1, 0.4F}), 0);  // 0.5
  EXPECT_EQ(chosen(s, {0, 0, 0}, {1, 0.6F}), 1);
  s = {.frequency_penalty = 0.5F, .temperature = 0};
  EXPECT_EQ(chosen(s, {0, 0, 0}, {1, -0.6F}), 0);  // -0.5
  EXPECT_EQ(chosen(s, {0, 0, 0}, {1, -0.4F}), 1);
  s.frequency_penalty = -0.5F;
  EXPECT_EQ(chosen(s, {1, 1, 1}, {1, 0}), 1);  // 1.5
}

TEST_P(SamplerTest, OptionsOutOfRangeAreRefused) {
  for (const Sampling& wrong : {Sampling{.top_p = 7}, Sampling{.temperature = 0, .top_p = 7},
                                Sampling{.temperature = -1}, Sampling{.logit_bias = {{V, 1.0F}}}}) {
    EXPECT_THROW(sampler(wrong, 1), Error);
  }
  Sampling none;
  none.logit_bias = {{0, -kInf}, {1, -kInf}};
  EXPECT_THROW(sampler(none, 1, 4, {2, 3}), Error);
  EXPECT_NO_THROW(sampler(none, 1, 4, {2}));
}

TEST_P(SamplerTest, SeeRefusesIdsOutsideTheVocabulary) {
  for (const Sampling& sampling : {Sampling{}, Sampling{.presence_penalty = 1}}) {
    const auto from = sampler(sampling, 1);
    EXPECT_THROW(from->see(Ids{V}), Error);
    EXPECT_THROW(from->see(Ids{-1}), Error);
  }
}

TEST_P(SamplerTest, LogitsOfAnotherShapeAreRefused) {
  const auto from = sampler({}, 1);
  for (const TensorShape& shape : {TensorShape{1, V + 1}, TensorShape{2, V}, TensorShape{V}}) {
    const Tensor logits = backend_->filled(shape, 0);
    try {
      backend_->sample(*from, logits);
      ADD_FAILURE() << "accepted " << to_string(shape);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInternal);
      EXPECT_THAT(error.what(), HasSubstr("logits"));
    }
  }
}

}  // namespace
}  // namespace xlstm
