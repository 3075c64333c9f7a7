// The interface of forecasters: opening, series of all kinds of wrong, streams, threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/engine/forecaster.h"
#include "xlstm/wiring/plan.h"

namespace xlstm::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;

EngineOptions on_cpu() {
  EngineOptions options;
  options.device = "cpu";
  options.threads = 2;
  return options;
}

const Forecaster& tides() {
  static const Forecaster forecaster = Forecaster::open("tides-1m", on_cpu());
  return forecaster;
}

Values seasons(std::size_t years) {
  Values out;
  for (std::size_t month = 0; month < 12 * years; ++month) {
    out.push_back(static_cast<float>(100 + 10 * std::sin(static_cast<double>(month) * 0.5236)));
  }
  return out;
}

Values around_1000(std::size_t count) {
  Values out = seasons(1 + count / 12);
  out.resize(count);
  for (float& x : out) x += 900;
  return out;
}

Forecaster tirex2() {
  return Forecaster::open(std::string(XLSTM_TEST_DATA) + "/golden/tirex2-univariate", on_cpu());
}

// Sums of K terms in another order differ by about sqrt(K) roundings, and the stream passes through
// two such products in each of the blocks, whose differences add as their squares do. In units of
// the series' spread, to which TiRex scales what the network says, and of values of a size of 2.
double rounding_bound() {
  constexpr double kEps = 0x1p-23, kSize = 2, kLongest = 512, kBlocks = 6;
  return kSize * kEps * std::sqrt(kLongest * 2 * kBlocks);
}

double spread_of(const Values& values) {
  double sum = 0, squares = 0;
  for (const float x : values) sum += x;
  const double mean = sum / static_cast<double>(values.size());
  for (const float x : values) squares += (x - mean) * (x - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

TEST(Forecaster, OpensTheEmbeddedModelByName) {
  EXPECT_EQ(tides().facts().name, "tides-1m");
  EXPECT_EQ(tides().facts().context, 2048);
  EXPECT_EQ(tides().plan().family, "tirex");
  EXPECT_GT(tides().memory().active, 5'000'000U);
  EXPECT_EQ(Forecaster::open("", on_cpu()).facts().name, "tides-1m");
}

TEST(Forecaster, ForecastsASeason) {
  const std::vector<Forecast> forecasts =
      tides().forecast({.targets = {seasons(10)}}, {.horizon = 12});
  ASSERT_EQ(forecasts.size(), 1U);
  const Forecast& forecast = forecasts.front();
  EXPECT_EQ(forecast.horizon, 12);
  ASSERT_EQ(forecast.levels.size(), 9U);
  const Values wanted = seasons(11);
  for (std::int64_t step = 0; step < 12; ++step) {
    EXPECT_NEAR(forecast.at(step, 4), wanted[120 + static_cast<std::size_t>(step)], 3) << step;
  }
}

TEST(Forecaster, ForecastsAtOtherLevels) {
  const Series series{{seasons(10)}, {}, {}};
  const Forecast own = tides().forecast(series, {.horizon = 3}).front();
  const Forecast other =
      tides().forecast(series, {.horizon = 3, .quantiles = {0.5F, 0.95F}}).front();
  EXPECT_THAT(other.levels, ElementsAre(0.5F, 0.95F));
  EXPECT_EQ(other.at(2, 0), own.at(2, 4));
  EXPECT_EQ(other.at(2, 1), own.at(2, 8));
}

TEST(Forecaster, SeriesDependOnEachOtherByRoundingAlone) {
  std::vector<Series> all;
  for (std::size_t years = 1; years < 8; ++years) all.push_back({{seasons(years)}, {}, {}});
  const auto at_once = tides().forecast(all, {.horizon = 5});
  const auto in_twos = tides().forecast(all, {.horizon = 5, .batch = 2});
  ASSERT_EQ(in_twos.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Values &twos = in_twos[i][0].values, &once = at_once[i][0].values;
    ASSERT_EQ(twos.size(), 5U * 9);
    ASSERT_EQ(once.size(), twos.size());
    const double spread = spread_of(all[i].targets.front());
    for (std::size_t at = 0; at < once.size(); ++at) {
      // Answers are float32 numbers of some 100, each rounded once.
      const double rounded = 0x1p-23 * std::abs(static_cast<double>(once[at]));
      EXPECT_NEAR(twos[at], once[at], spread * rounding_bound() + rounded) << i << ", " << at;
    }
  }
  EXPECT_TRUE(tides().forecast(std::span<const Series>()).empty());
}

TEST(Forecaster, NamesTheSeriesThatIsWrong) {
  const std::vector<Series> all = {{{{1, 2}}, {}, {}}, {{{}}, {}, {}}};
  expect_error(ErrorKind::kUsage, {"[series 2] wanted a series with values, got an empty one"},
               [&] { tides().forecast(all); });
  expect_error(ErrorKind::kUsage, {"[series 1]", "tides-1m reads none"}, [&] {
    tides().forecast({.targets = {{1, 2}}, .past = {{3, 4}}});
  });
  expect_error(ErrorKind::kUsage, {"[horizon]"},
               [&] { tides().forecast({.targets = {{1}}}, {.horizon = 0}); });
  expect_error(ErrorKind::kUsage, {"[series] wanted a series with values"},
               [] { tides().embed({}); });
  expect_error(ErrorKind::kUsage, {"[series, target 1] wanted finite values", "inf as value 2"},
               [] {
                 tides().embed({1, std::numeric_limits<float>::infinity()});
               });
}

// Behind 2048 forecast values nothing is left of the series in a context of 2048: the model would
// go on from location 0 and scale 1.
TEST(Forecaster, RefusesHorizonsThatOutrunTheContext) {
  const Values near_1000 = around_1000(2048);
  const Forecast longest = tides().forecast({.targets = {near_1000}}, {.horizon = 2048}).front();
  EXPECT_NEAR(longest.at(2047, 4), 1000, 50);
  const std::vector<Series> all = {{{near_1000}, {}, {}}, {{{1, 2, 3}}, {}, {}}};
  expect_error(
      ErrorKind::kUsage,
      {"[series 1] wanted a horizon of at most 2048 steps", "(1 patch a pass)", "got 2049"},
      [&] { tides().forecast(all, {.horizon = 2049}); });
  // Three patches a pass: the 22nd begins behind 2016 forecast values.
  const ForecastOptions three{.horizon = 2112, .accelerated_steps = 3};
  EXPECT_EQ(tides().forecast(all[1], three).front().horizon, 2112);
  expect_error(ErrorKind::kUsage, {"at most 2112 steps", "(3 patches a pass)", "got 2113"},
               [&] { tides().forecast(all, {.horizon = 2113, .accelerated_steps = 3}); });
}

// The newest 100 values are missing, and leave with 1949 forecast ones.
TEST(Forecaster, RefusesHorizonsThatOutrunTheLastValue) {
  Values values = around_1000(2048);
  std::fill(values.end() - 100, values.end(), std::numeric_limits<float>::quiet_NaN());
  EXPECT_NEAR(tides().forecast({.targets = {values}}, {.horizon = 1952}).front().at(1951, 4), 1000,
              50);
  expect_error(ErrorKind::kUsage, {"[series 1] wanted a horizon of at most 1952 steps"},
               [&] { tides().forecast({.targets = {values}}, {.horizon = 1953}); });
}

TEST(Forecaster, RefusesOptionsOfTheOtherFamily) {
  const auto refused = [](const Forecaster& model, const ForecastOptions& options,
                          const std::string& option, const std::string& family) {
    expect_error(ErrorKind::kUsage,
                 {"[" + option + "] wanted a model of the family " + family + ", whose option"},
                 [&] {
                   model.forecast({.targets = {{1, 2}}}, options);
                 });
  };
  refused(tides(), {.difference_trends = false}, "difference_trends", "tirex-2");
  refused(tides(), {.flip_sign = true}, "flip_sign", "tirex-2");
  refused(tides(), {.pad_context = false}, "pad_context", "tirex-2");
  refused(tirex2(), {.accelerated_steps = 2}, "accelerated_steps", "tirex");
  refused(tirex2(), {.resample = true}, "resample", "tirex");
}

TEST(Forecaster, AsksWhetherItIsCancelled) {
  ForecastOptions options;
  options.cancelled = [] { return true; };
  expect_error(ErrorKind::kCancelled, {"cancelled"}, [&] {
    tides().forecast({.targets = {{1, 2}}}, options);
  });
}

TEST(Forecaster, EmbedsTokensOfEveryBlock) {
  const SeriesEmbedding embedding = tides().embed(seasons(10));
  EXPECT_EQ(embedding.tokens, 4);
  EXPECT_EQ(embedding.layers, 6);
  EXPECT_EQ(embedding.width, 128);
  EXPECT_EQ(embedding.values.size(), 4U * 6 * 128);
}

TEST(Forecaster, LanguageModelsAndForecastersAreNotTakenForEachOther) {
  expect_error(ErrorKind::kModel,
               {"classics-8m", "a forecaster", "xlstm generate", "Engine::open()"},
               [] { Forecaster::open("classics-8m", on_cpu()); });
  expect_error(ErrorKind::kModel, {"tides-1m", "a language model", "xlstm forecast", "Forecaster"},
               [] { Engine::open("tides-1m", on_cpu()); });
  expect_error(ErrorKind::kFile, {"tides-1"}, [] { Forecaster::open("tides-1", on_cpu()); });
}

TEST(Forecaster, RefusesWhatDoesNotFitItsMemory) {
  EngineOptions options = on_cpu();
  options.hard_memory_limit = 1'000'000;
  expect_error(ErrorKind::kMemory, {"tides-1m", "the limit of"},
               [&] { Forecaster::open("tides-1m", options); });
}

// Products of fewer bits: medians stay near.
TEST(Forecaster, QuantisesItsMatrices) {
  const Series series{{seasons(10)}, {}, {}};
  const Forecast exact = tides().forecast(series, {.horizon = 12}).front();
  EngineOptions options = on_cpu();
  options.quantization = Quantization{QuantizationMode::kAffine, 8, 64};
  const Forecast rounded =
      Forecaster::open("tides-1m", options).forecast(series, {.horizon = 12}).front();
  double worst = 0;
  for (std::int64_t step = 0; step < 12; ++step) {
    worst = std::max(worst, std::abs(static_cast<double>(rounded.at(step, 4) - exact.at(step, 4))));
  }
  EXPECT_GT(worst, 0);
  EXPECT_LT(worst, 0.5);  // of waves between 90 and 110
}

TEST(Forecaster, ThreadsShareOne) {
  const Series series{{seasons(10)}, {}, {}};
  const Forecast wanted = tides().forecast(series).front();
  std::vector<std::vector<float>> got(3);
  std::vector<std::thread> threads;
  for (auto& values : got) {
    threads.emplace_back([&] { values = tides().forecast(series).front().values; });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& values : got) EXPECT_EQ(values, wanted.values);
}

TEST(ForecastStream, FollowsASeries) {
  const Values values = seasons(4);
  ForecastStream stream = tides().stream();
  EXPECT_EQ(stream.targets(), 1U);
  EXPECT_EQ(stream.past_covariates(), 0U);
  expect_error(ErrorKind::kUsage, {"[stream] wanted values before a forecast"},
               [&] { stream.forecast(); });
  for (const float value : values) stream.append({{value}});
  EXPECT_EQ(stream.position(), 48U);
  EXPECT_EQ(stream.forecast({.horizon = 6}).front().values,
            tides().forecast({.targets = {values}}, {.horizon = 6}).front().values);
  EXPECT_EQ(stream.forecast({.horizon = 6, .quantiles = {0.5F}}).front().values.size(), 6U);
}

TEST(ForecastStream, RefusesRowsAndRowsTheModelDoesNotRead) {
  ForecastStream stream = tides().stream();
  expect_error(ErrorKind::kUsage, {"got 2 rows"}, [&] { stream.append({{1}, {2}}); });
  expect_error(ErrorKind::kUsage, {"tides-1m"}, [] { tides().stream(2); });
  expect_error(ErrorKind::kUsage, {"tides-1m"}, [] { tides().stream(1, 1); });
  expect_error(ErrorKind::kUsage, {"[targets] wanted a number from 1 to 65536, got 0"},
               [] { tides().stream(0); });
}

// Of a model that takes several of each; more than any memory holds is no std::length_error.
TEST(ForecastStream, RefusesMoreRowsThanAnybodyHas) {
  constexpr std::size_t kEndless = std::numeric_limits<std::size_t>::max() / 8;
  const Forecaster several = tirex2();
  EXPECT_EQ(several.stream(65536, 65536).targets(), 65536U);
  expect_error(ErrorKind::kUsage, {"[targets] wanted a number from 1 to 65536"},
               [&] { several.stream(kEndless, 0); });
  expect_error(ErrorKind::kUsage, {"[past_covariates] wanted a number from 0 to 65536"},
               [&] { several.stream(1, kEndless); });
}

TEST(ForecastStream, RefusesMoreStepsThanItsContextTells) {
  ForecastStream stream = tides().stream();
  stream.append({{1, 2, 3}});
  expect_error(ErrorKind::kUsage, {"[stream] wanted a horizon of at most 2048 steps", "got 2049"},
               [&] { stream.forecast({.horizon = 2049}); });
}

TEST(ForecastStream, RefusesOptionsOfTheOtherFamily) {
  ForecastStream stream = tides().stream();
  stream.append({{1, 2, 3}});
  expect_error(ErrorKind::kUsage, {"[flip_sign]", "tirex-2"},
               [&] { stream.forecast({.flip_sign = true}); });
  ForecastStream other = tirex2().stream();
  other.append({{1, 2, 3}});
  expect_error(ErrorKind::kUsage, {"[resample]", "family tirex,"},
               [&] { other.forecast({.resample = true}); });
}

// Until its context is full a stream fills it up or not; then there is nothing to fill.
TEST(ForecastStream, RefusesWhatWasSettledWhenItsContextWasFull) {
  const Forecaster model = tirex2();
  ForecastStream stream = model.stream();
  stream.append({seasons(1)});
  EXPECT_NO_THROW(stream.forecast({.pad_context = false}));
  stream.append({Values(static_cast<std::size_t>(model.facts().context), 1)});
  expect_error(ErrorKind::kUsage, {"[pad_context] wanted on for a stream that has read a whole"},
               [&] { stream.forecast({.pad_context = false}); });
}

TEST(ForecastStream, CopiesAreForks) {
  ForecastStream stream = tides().stream();
  stream.append({{1, 2, 3}});
  ForecastStream fork = stream;
  fork.append({{9}});
  EXPECT_EQ(stream.position(), 3U);
  EXPECT_EQ(fork.position(), 4U);
  stream = fork;
  EXPECT_EQ(stream.position(), 4U);
  const ForecastStream moved = std::move(fork);
  EXPECT_EQ(moved.position(), 4U);
  expect_error(ErrorKind::kUsage, {"moved from"}, [&] { fork.position(); });
  fork = moved;
  EXPECT_EQ(fork.position(), 4U);
}

TEST(ForecastStream, IsSavedAndLoaded) {
  const TemporaryFolder folder;
  ForecastStream stream = tides().stream();
  stream.append({seasons(2)});
  stream.save(folder / "stream");
  const ForecastStream loaded = tides().load_stream(folder / "stream");
  EXPECT_EQ(loaded.forecast().front().values, stream.forecast().front().values);
  expect_error(ErrorKind::kFile, {"nothing"}, [&] { tides().load_stream(folder / "nothing"); });
  expect_error(ErrorKind::kFile, {"no-folder"},
               [&] { stream.save(folder / "no-folder" / "stream"); });
}

}  // namespace
}  // namespace xlstm::testing
