// What TiRex-2 makes of unusual series and options, and of models that the golden cases are none
// of.
#include <gtest/gtest.h>

#include <functional>

#include "tests/forecast/tirex2_golden.h"
#include "tests/support/expect_error.h"
#include "xlstm/base/input_file.h"
#include "xlstm/base/json.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<Forecast> run(const ForecastModel& model, const Series& series,
                          const ForecastOptions& options) {
  return model.forecast(std::span(&series, 1), options).front();
}

// A golden model with another config.
std::unique_ptr<const ForecastModel> changed_model(const std::string& folder,
                                                   const std::function<void(Json&)>& change,
                                                   std::shared_ptr<Backend> backend) {
  const auto source = open_weights(golden_folder() / folder);
  Json config = parse_json(whole_file(golden_folder() / folder / "config.json"), folder);
  change(config);
  const Plan plan = discover(config.dump(), *source, folder);
  return find_forecast_family(plan.family)->load(plan, *source, std::move(backend), {});
}

class Tirex2Edges : public ::testing::Test {
 protected:
  Tirex2Edges() : model_(open_forecaster(golden_folder() / "tirex2-univariate")) {}

  Tirex2Golden golden_{"tirex2-univariate"};
  std::unique_ptr<const ForecastModel> model_;
};

TEST_F(Tirex2Edges, FactsAreThoseOfTheConfig) {
  const ForecasterFacts& facts = model_->facts();
  EXPECT_EQ(facts.family, "tirex-2");
  EXPECT_EQ(facts.context, 512);
  EXPECT_EQ(facts.patch, 8);
  EXPECT_EQ(facts.horizon, 80);
  EXPECT_EQ(facts.levels.size(), 9U);
  EXPECT_TRUE(facts.several_targets && facts.past_covariates && facts.known_covariates);
}

TEST_F(Tirex2Edges, MoreStepsThanTheModelHasAreCut) {
  const auto cut = run(*model_, golden_.series("short"), {.horizon = 200});
  EXPECT_EQ(cut.front().horizon, 80);
  EXPECT_EQ(cut.front().values, run(*model_, golden_.series("short"), {.horizon = 80})[0].values);
}

TEST_F(Tirex2Edges, WithoutPaddingASeriesDoesNotDependOnItsBatch) {
  const std::vector<Series> both = {golden_.series("short"), golden_.series("gaps")};
  const ForecastOptions options = {.horizon = 29, .pad_context = false};
  const auto together = model_->forecast(both, options);
  for (std::size_t s = 0; s < both.size(); ++s) {
    EXPECT_LE(relative_error(as_golden(together[s]), as_golden(run(*model_, both[s], options))),
              1e-5);
  }
}

TEST_F(Tirex2Edges, AContextLeavesTheOlderValuesOut) {
  Series series = golden_.series("gaps");
  const auto got = run(*model_, series, {.horizon = 10, .context = 50});
  Values& values = series.targets.front();
  values.erase(values.begin(), values.end() - 50);
  EXPECT_EQ(got.front().values, run(*model_, series, {.horizon = 10})[0].values);
}

TEST_F(Tirex2Edges, InfiniteValuesGiveNoNumbersInTheirRowAlone) {
  Values infinite = {1, 2, 3, std::numeric_limits<float>::infinity(), 4, 2, 3};
  const Values plain = {1, 5, 2, 4, 3, 1, 2};
  const auto got = run(*model_, {{infinite, plain}, {}, {}}, {.horizon = 4});
  for (const float x : got[0].values) EXPECT_TRUE(std::isnan(x));
  for (const float x : got[1].values) EXPECT_TRUE(std::isfinite(x));
}

TEST_F(Tirex2Edges, SeriesOfTheLargestValuesHaveForecasts) {
  const Values jumps = {3e38F, -3e38F, 3e38F}, rise = {-3.3e38F, -2.5e38F, 2.5e38F, 3.3e38F};
  for (const Values& values : {jumps, rise}) {
    for (const bool flip : {false, true}) {
      const ForecastOptions options = {.horizon = 12, .flip_sign = flip};
      const Forecast forecast = run(*model_, {{values}, {}, {}}, options).front();
      for (const float x : forecast.values) ASSERT_TRUE(std::isfinite(x));
    }
  }
}

// A row that is all missing or infinite leaves the others' forecasts as they are, on every backend.
TEST_F(Tirex2Edges, OneSeriesDoesNotSpoilABatch) {
  const Tirex2Golden golden("tirex2-covariates");
  Series spoiled = golden.series("both");
  for (Values& row : spoiled.targets) row[3] = std::numeric_limits<float>::infinity();
  const std::vector<Series> batch = {golden.series("both"), spoiled, golden.series("both")};
  for (const BackendCase& backend : float32_backends()) {
    SCOPED_TRACE(backend.name);
    const auto model = golden.open(backend);
    const auto wanted = as_golden(run(*model, batch[0], {.horizon = 12}));
    const auto got = model->forecast(batch, {.horizon = 12});
    // Rounding depends on how many rows are multiplied at once.
    EXPECT_LE(relative_error(as_golden(got[0]), wanted), 1e-5);
    EXPECT_LE(relative_error(as_golden(got[2]), wanted), 1e-5);
  }
}

TEST_F(Tirex2Edges, CovariatesChangeWhatTargetsGetAndNotTheOtherWayRound) {
  const Tirex2Golden golden("tirex2-covariates");
  const auto model = open_forecaster(golden_folder() / "tirex2-covariates");
  Series series = golden.series("both");
  const ForecastOptions options = {.horizon = 12, .difference_trends = false};
  const auto before = run(*model, series, options);
  series.known[0].back() += 1;  // beyond the horizon
  EXPECT_EQ(run(*model, series, options)[0].values, before[0].values);
  series.known[0][83 + 11] += 1;  // the last step that is looked at
  EXPECT_NE(run(*model, series, options)[0].values, before[0].values);
  series = golden.series("both");
  series.targets.pop_back();
  EXPECT_NE(run(*model, series, options)[0].values, before[0].values);
}

TEST_F(Tirex2Edges, ACancelledForecastIsOne) {
  expect_error(ErrorKind::kCancelled, {"cancelled"}, [&] {
    run(*model_, golden_.series("short"), {.horizon = 8, .cancelled = [] { return true; }});
  });
}

TEST_F(Tirex2Edges, ASignIsFlippedOnlyWhereLevelsAreMirrored) {
  const auto lopsided = [](Json& config) { config["quantiles"][4] = 0.8; };
  const auto model = changed_model("tirex2-covariates", lopsided, cpu::make_backend(1));
  const Series series = golden_.series("short");
  EXPECT_NO_THROW(run(*model, series, {.horizon = 4}));
  expect_error(ErrorKind::kUsage, {"flip_sign", "1 - q"},
               [&] { run(*model, series, {.horizon = 4, .flip_sign = true}); });
}

TEST_F(Tirex2Edges, EmbeddingsAreWhatTheBlocksMakeOfTheValues) {
  // "gaps" has 200 values, 25 patches, the last of the context's 64 tokens.
  const SeriesEmbedding got = model_->embed(golden_.rows("gaps").front());
  EXPECT_EQ(got.tokens, 25);
  EXPECT_EQ(got.layers, 3);
  EXPECT_EQ(got.width, 64);
  std::vector<float> wanted;
  for (std::size_t token = 39; token < 64; ++token) {
    for (const char* block : {"gaps.dbg.block0", "gaps.dbg.block1", "gaps.dbg.block2"}) {
      const auto all = golden_.numbers(block);
      wanted.insert(wanted.end(), all.begin() + static_cast<std::ptrdiff_t>(token * 64),
                    all.begin() + static_cast<std::ptrdiff_t>(token * 64 + 64));
    }
  }
  EXPECT_LE(relative_error(got.values, wanted), 1e-5);
  EXPECT_EQ(model_->embed(Values(700, 1)).tokens, 64);
}

// Kernels and definitions agree on models of other functions and without parts, and these matter.
TEST_F(Tirex2Edges, OtherConfigsRunOnEveryBackend) {
  const Tirex2Golden golden("tirex2-covariates");
  const Series series = golden.series("both");
  const ForecastOptions options = {.horizon = 15};
  const auto usual = as_golden(run(*golden.open(float32_backends().front()), series, options));
  const std::function<void(Json&)> changes[] = {
      [](Json& config) { config["act_func"] = "GELU"; },
      [](Json& config) { config["act_func"] = "ReLU"; },
      [](Json& config) { config["use_qk_norm"] = false; },
      [](Json& config) { config["scaler_cfg"]["use_arcsinh"] = false; },
      [](Json& config) { config["scaler_cfg"]["binaryaware"] = false; },
      [](Json& config) { config["tta_sign_flip"] = true; },
  };
  for (const auto& change : changes) {
    std::vector<float> first;
    for (const BackendCase& backend : float32_backends()) {
      SCOPED_TRACE(backend.name);
      const auto model = changed_model("tirex2-covariates", change, backend.make());
      const auto got = as_golden(run(*model, series, options));
      if (first.empty()) first = got;
      EXPECT_LE(relative_error(got, first), 1e-4);
    }
    EXPECT_GT(relative_error(first, usual), 1e-3);
  }
}

TEST_F(Tirex2Edges, MissingValuesAreNoValues) {
  const Values values = {3, kNan, 4, 6, kNan, 5};
  Values zeros = values;
  for (float& x : zeros) x = std::isnan(x) ? 0 : x;
  EXPECT_NE(run(*model_, {{values}, {}, {}}, {.horizon = 3})[0].values,
            run(*model_, {{zeros}, {}, {}}, {.horizon = 3})[0].values);
}

}  // namespace
}  // namespace xlstm::testing
