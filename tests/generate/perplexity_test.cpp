#include "xlstm/generate/perplexity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/generate/classics.h"
#include "xlstm/base/error.h"

namespace xlstm {
namespace {

using test::classics;
using ::testing::HasSubstr;

// BOS and the beginning of Alice.
const std::vector<TokenId>& alice() {
  static const std::vector<TokenId> ids = [] {
    std::vector<TokenId> all =
        classics().tokenizer.encode(test::book("alice.txt").substr(0, 12'000));
    all.insert(all.begin(), 0);
    all.resize(2000);
    return all;
  }();
  return ids;
}

struct Definition {
  double mean = 0, deviation = 0;
};

// The definition: all logits at once, every sum in float64.
Definition definition(const std::vector<TokenId>& ids) {
  const int S = static_cast<int>(ids.size()) - 1, V = 4096;
  const Model& model = classics().model;
  Backend& backend = model.backend();
  const Tensor tokens = backend.ids({1, S}, std::span(ids).first(ids.size() - 1));
  const auto states = model.initial_states();
  const Tensor all = model.forward(tokens, *states, Positions::kAll);
  const float* logits = backend.read_floats(all).data();
  std::vector<double> nll;
  for (int s = 0; s < S; ++s) {
    const float* row = logits + static_cast<std::ptrdiff_t>(s) * V;
    double sum = 0;
    for (int v = 0; v < V; ++v) sum += std::exp(static_cast<double>(row[v]));
    nll.push_back(std::log(sum) - row[ids[static_cast<std::size_t>(s) + 1]]);
  }
  Definition out;
  for (const double x : nll) out.mean += x / S;
  double squares = 0;
  for (const double x : nll) squares += (x - out.mean) * (x - out.mean);
  out.deviation = std::sqrt(squares / (S - 1));
  return out;
}

// How far the mean nll may be from the definition when only the rounding of float32 differs. A
// logit ends a chain of 16 residual sums whose largest products have F = 704 terms: rounding errors
// of random sign give sqrt(704 * 16) * 2^-24 = 6.3e-6 of a magnitude that the soft cap keeps below
// 30: 1.9e-4 a token, and the mean of many has no more.
constexpr double kRounding = 2e-4;

TEST(Perplexity, AgreesWithTheDefinition) {
  const Definition expected = definition(alice());
  const Perplexity out = perplexity(classics().model, alice());
  EXPECT_EQ(out.tokens, 1999);
  EXPECT_NEAR(out.mean_nll, expected.mean, kRounding);
  EXPECT_DOUBLE_EQ(out.perplexity, std::exp(out.mean_nll));
  const double error = out.perplexity * expected.deviation / std::sqrt(1999.0);
  ASSERT_TRUE(out.standard_error.has_value());
  EXPECT_NEAR(*out.standard_error, error, error * kRounding);
  EXPECT_GT(out.perplexity, 5);  // a model of 4096 tokens that has learnt something, not everything
  EXPECT_LT(out.perplexity, 50);
}

TEST(Perplexity, SegmentsAreTheWhole) {
  const double whole = perplexity(classics().model, alice(), {}, 5000).mean_nll;
  for (const std::int64_t segment : {64, 65, 1000}) {
    EXPECT_NEAR(perplexity(classics().model, alice(), {}, segment).mean_nll, whole, kRounding)
        << segment;
  }
  const std::vector<TokenId> few(alice().begin(), alice().begin() + 70);
  EXPECT_NEAR(perplexity(classics().model, few, {}, 1).mean_nll,
              perplexity(classics().model, few).mean_nll, kRounding);
}

TEST(Perplexity, OfOnePredictionHasNoSpread) {
  const std::vector<TokenId> two = {0, 10};
  const Perplexity out = perplexity(classics().model, two);
  EXPECT_EQ(out.tokens, 1);
  EXPECT_FALSE(out.standard_error.has_value());
  EXPECT_NEAR(out.mean_nll, definition({0, 10}).mean, kRounding);
}

TEST(Perplexity, TellsItsProgress) {
  std::vector<std::int64_t> told;
  const Perplexity out = perplexity(
      classics().model, alice(), [&](std::int64_t done) { told.push_back(done); }, 800);
  EXPECT_EQ(told, (std::vector<std::int64_t>{0, 800, 1600, 1999}));
  EXPECT_GT(out.seconds, 0);
  EXPECT_DOUBLE_EQ(out.tokens_per_second, 1999 / out.seconds);
}

TEST(Perplexity, StopsWhenTheCallerThrows) {
  EXPECT_THROW(
      perplexity(classics().model, alice(), [](std::int64_t) { throw std::logic_error("no"); }),
      std::logic_error);
}

std::string refusal(const std::vector<TokenId>& ids) {
  try {
    perplexity(classics().model, ids);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.what();
  }
  return "accepted";
}

TEST(Perplexity, RefusesTooFewTokensAndStrangeIds) {
  EXPECT_THAT(refusal({}), HasSubstr("wanted at least two tokens, got 0"));
  EXPECT_THAT(refusal({0}), HasSubstr("got 1"));
  EXPECT_THAT(refusal({0, 1, 4096}), HasSubstr("[0, 4096), got 4096 at 2"));
  EXPECT_THAT(refusal({0, -5}), HasSubstr("got -5 at 1"));
}

}  // namespace
}  // namespace xlstm
