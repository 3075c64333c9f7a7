// Figures of forecasters, and which random weights are of which kind of model.
#include "xlstm/engine/bench.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "xlstm/engine/forecaster.h"
#include "xlstm/forecast/forecast_model.h"
#include "xlstm/forecast/operations.h"
#include "xlstm/model/model.h"

namespace xlstm::testing {
namespace {

EngineOptions on_cpu() {
  EngineOptions options;
  options.device = "cpu";
  options.threads = 2;
  return options;
}

std::vector<BenchFigure> figures_of(const Forecaster& forecaster, const BenchOptions& options) {
  std::vector<BenchFigure> out;
  run_bench(forecaster, options, [&](const BenchFigure& figure) { out.push_back(figure); });
  return out;
}

TEST(ForecastBench, MeasuresEachBatch) {
  const Forecaster forecaster = Forecaster::open_synthetic("tirex-tiny", on_cpu());
  BenchOptions options;
  options.batches = {3, 1};
  options.repeats = 2;
  options.profile = true;
  const std::vector<BenchFigure> figures = figures_of(forecaster, options);
  ASSERT_EQ(figures.size(), 2U);
  const Plan& plan = forecaster.plan();
  for (std::size_t i = 0; i < 2; ++i) {
    const BenchFigure& figure = figures[i];
    const int batch = options.batches[i];
    EXPECT_EQ(figure.kind, "forecast");
    EXPECT_EQ(figure.batch, batch);
    EXPECT_EQ(figure.length, 64);
    EXPECT_NEAR(figure.series_per_second() * figure.seconds_per_call, batch, 1e-9);
    EXPECT_NEAR(figure.tokens_per_second, 64 * figure.series_per_second(),
                1e-9 * figure.tokens_per_second);
    EXPECT_EQ(figure.operations_per_call, 64 * batch * product_operations(plan, {}));
    EXPECT_EQ(figure.bytes_per_call, forecaster.model().loaded().weight_bytes);
    EXPECT_EQ(figure.state_bytes, static_cast<std::uint64_t>(batch) * plan.state_bytes());
    EXPECT_LE(figure.slowest, figure.fastest);
    EXPECT_GT(figure.peak_share(figure.machine.peak_gflops), 0);
    EXPECT_FALSE(figure.profile.empty());
  }
}

TEST(ForecastBench, AsksWhetherItIsCancelled) {
  const Forecaster forecaster = Forecaster::open_synthetic("tirex-tiny", on_cpu());
  BenchOptions options;
  options.batches = {1, 2};
  int asked = 0;
  options.cancelled = [&] { return ++asked > 1; };  // once the first figure has begun
  EXPECT_TRUE(figures_of(forecaster, options).empty());
  EXPECT_GT(asked, 1);
}

TEST(ForecastBench, RefusesOptionsOutOfRange) {
  const Forecaster forecaster = Forecaster::open_synthetic("tirex-tiny", on_cpu());
  BenchOptions options;
  options.batches = {0};
  expect_error(ErrorKind::kUsage, {"[batch] wanted 1 or more"},
               [&] { figures_of(forecaster, options); });
  options.batches = {1};
  options.repeats = 0;
  expect_error(ErrorKind::kUsage, {"[repeats] wanted 1 or more"},
               [&] { figures_of(forecaster, options); });
}

TEST(Synthetic, LanguageModelsAndForecastersAreNotTakenForEachOther) {
  expect_error(ErrorKind::kModel, {"synthetic-tirex-tiny", "a language model", "a forecaster"},
               [] { open_synthetic("tirex-tiny", on_cpu()); });
  expect_error(ErrorKind::kModel, {"synthetic-tiny", "a forecaster", "a language model"},
               [] { Forecaster::open_synthetic("tiny", on_cpu()); });
  expect_error(ErrorKind::kUsage, {"tirex-9b", "tirex-35m"},
               [] { Forecaster::open_synthetic("tirex-9b", on_cpu()); });
}

// Of one without a search for the best rounding.
TEST(Synthetic, ForecastersAreQuantised) {
  EngineOptions options = on_cpu();
  options.quantization = Quantization{QuantizationMode::kAffine, 8, 32};
  EXPECT_LT(Forecaster::open_synthetic("tirex-tiny", options).model().loaded().weight_bytes,
            Forecaster::open_synthetic("tirex-tiny", on_cpu()).model().loaded().weight_bytes);
}

}  // namespace
}  // namespace xlstm::testing
