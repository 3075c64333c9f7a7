// What is refused of series and options, and quantiles at other levels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/expect_error.h"
#include "xlstm/forecast/checks.h"
#include "xlstm/forecast/quantile_levels.h"

namespace xlstm::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

ForecasterFacts facts_of_one_target() {
  ForecasterFacts facts;
  facts.name = "alone";
  return facts;
}

ForecasterFacts facts_of_all() {
  ForecasterFacts facts;
  facts.name = "together";
  facts.horizon = 8;
  facts.several_targets = facts.past_covariates = facts.known_covariates = true;
  return facts;
}

void expect_refused(const Series& series, const ForecasterFacts& facts, const std::string& text,
                    std::int64_t horizon = 2) {
  ForecastOptions options;
  options.horizon = horizon;
  expect_error(ErrorKind::kUsage, {text},
               [&] { check_series(series, facts, options, "series 7"); });
}

TEST(CheckSeries, RefusesWhatHoldsNoSeries) {
  expect_refused({}, facts_of_all(), "[series 7] wanted a series with a target, got none");
  expect_refused({{{}}, {}, {}}, facts_of_all(),
                 "[series 7] wanted a series with values, got an empty one");
}

TEST(CheckSeries, RefusesWhatTheModelDoesNotRead) {
  expect_refused({{{1}, {2}}, {}, {}}, facts_of_one_target(),
                 "alone forecasts each series by itself");
  expect_refused({{{1}}, {{2}}, {}}, facts_of_one_target(), "alone reads none, got 1");
  expect_refused({{{1}}, {}, {{2}, {3}}}, facts_of_one_target(), "no known covariates");
}

TEST(CheckSeries, RefusesRowsOfUnequalLengths) {
  expect_refused({{{1, 2}, {3}}, {}, {}}, facts_of_all(),
                 "[series 7, target 2] wanted 2 values, as the first target has, got 1");
  expect_refused({{{1, 2}}, {{3, 4}, {5, 6, 7}}, {}}, facts_of_all(), "past covariate 2] wanted 2");
  expect_refused({{{1, 2}}, {}, {{1, 2, 3}}}, facts_of_all(),
                 "[series 7, known covariate 1] wanted at least 4 values: 2 and 2 of the steps to "
                 "forecast, got 3");
}

// A model with a limit looks no further.
TEST(CheckSeries, KnownCovariatesReachAsFarAsTheModelLooks) {
  const Series series{{{1}}, {}, {Values(9)}};
  ForecastOptions options;
  options.horizon = 100;
  EXPECT_NO_THROW(check_series(series, facts_of_all(), options, "series"));
}

TEST(CheckSeries, InfiniteValuesAreRefusedAndMissingOnesAreNot) {
  expect_refused({{{1, kMissing, -kInfinity}}, {}, {}}, facts_of_one_target(),
                 "[series 7, target 1] wanted finite values, or NaN for missing ones, got -inf as "
                 "value 3");
  EXPECT_NO_THROW(check_series({{{kMissing}}, {}, {}}, facts_of_one_target(), {}, "series"));
}

TEST(CheckRows, OfAStream) {
  const std::vector<Values> rows = {{1, 2}, {3}};
  expect_error(ErrorKind::kUsage, {"rows of 1 targets and 0 past covariates, got 2 rows"},
               [&] { check_rows(rows, 1, 0); });
  expect_error(ErrorKind::kUsage, {"[stream, row 2] wanted 2 values"},
               [&] { check_rows(rows, 1, 1); });
  const std::vector<Values> endless = {{kInfinity}};
  expect_error(ErrorKind::kUsage, {"finite"}, [&] { check_rows(endless, 1, 0); });
}

void expect_refused(const ForecastOptions& options, const std::string& text) {
  expect_error(ErrorKind::kUsage, {text}, [&] { check_options(options); });
}

TEST(CheckOptions, RefusesWhatIsOutOfRange) {
  expect_refused({.horizon = 0}, "[horizon] wanted a number from 1 to 1048576, got 0");
  expect_refused({.horizon = kMostSteps + 1}, "[horizon]");
  expect_refused({.context = -1}, "[context]");
  expect_refused({.quantiles = {0.5F, 1}}, "[quantiles] wanted levels between 0 and 1, got 1");
  expect_refused({.quantiles = {0.5F, kMissing}}, "[quantiles]");
  expect_refused({.quantiles = {0.5F, 0.5F}}, "[quantiles] wanted levels that rise");
  expect_refused({.batch = 0}, "[batch]");
  expect_refused({.accelerated_steps = 0}, "[accelerated_steps]");
  EXPECT_NO_THROW(check_options({.horizon = kMostSteps, .quantiles = {0.001F, 0.5F}}));
}

TEST(CheckOptions, CancelledIsItsOwnKind) {
  expect_error(ErrorKind::kCancelled, {"cancelled"},
               [] { check_cancelled({.cancelled = [] { return true; }}); });
  EXPECT_NO_THROW(check_cancelled({}));
}

TEST(QuantileLevels, BetweenTheModelsOwnAreInterpolated) {
  const Forecast own{{0.1F, 0.5F, 0.9F}, 2, {10, 20, 40, 1, 1, 3}};
  const Forecast other = at_levels(own, {0.05F, 0.1F, 0.3F, 0.8F, 0.95F});
  EXPECT_EQ(other.horizon, 2);
  EXPECT_THAT(other.values,
              ElementsAre(10, 10, FloatEq(15), FloatEq(35), 40, 1, 1, 1, FloatEq(2.5), 3));
  EXPECT_EQ(at_levels(own, {}).values, own.values);
  EXPECT_THAT(at_levels(own, {0.5F}).values, ElementsAre(20, 1));
}

}  // namespace
}  // namespace xlstm::testing
