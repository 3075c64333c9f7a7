// The interface of forecasters: opening, series of all kinds of wrong, streams, threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
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

TEST(Forecaster, BatchesOfAnySizeGiveTheSame) {
  std::vector<Series> all;
  for (std::size_t years = 1; years < 8; ++years) all.push_back({{seasons(years)}, {}, {}});
  const auto at_once = tides().forecast(all, {.horizon = 5});
  const auto in_twos = tides().forecast(all, {.horizon = 5, .batch = 2});
  ASSERT_EQ(in_twos.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_NEAR(in_twos[i][0].at(4, 4), at_once[i][0].at(4, 4), 1e-3) << i;
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
  expect_error(ErrorKind::kUsage, {"[series] wanted values, got none"}, [] { tides().embed({}); });
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
  expect_error(ErrorKind::kUsage, {"a target"}, [] { tides().stream(0); });
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
