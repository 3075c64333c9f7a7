// How a TiRex model goes about series: batches, horizons, embeddings, resampling, streams.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include "tests/forecast/fixture.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/json.h"
#include "xlstm/model/model.h"
#include "xlstm/weights/tensor_source.h"
#include "xlstm/wiring/discover.h"

namespace xlstm::testing {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

const ForecastModel& tiny() {
  // Never destroyed: MLX's own statics may be gone by then.
  static const auto& model = *open_forecaster(golden_folder() / "tirex").release();
  return model;
}

Values wave(std::size_t n, double period = 37) {
  Values out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double phase = 2 * std::numbers::pi * static_cast<double>(i) / period;
    out[i] = static_cast<float>(std::sin(phase) + 0.001 * static_cast<double>(i % 7));
  }
  return out;
}

TEST(TirexModel, Facts) {
  const ForecasterFacts& facts = tiny().facts();
  EXPECT_EQ(facts.family, "tirex");
  EXPECT_EQ(facts.context, 256);
  EXPECT_EQ(facts.patch, 16);
  EXPECT_EQ(facts.horizon, 0);
  EXPECT_EQ(facts.levels.size(), 9U);
  EXPECT_FALSE(facts.several_targets || facts.past_covariates || facts.known_covariates);
}

// Configs may claim any context, and all of it goes through the network at once.
TEST(TirexModel, TheEstimateCoversALongContext) {
  constexpr std::int64_t kContext = 32 * 4000;
  const auto source = open_weights(tides_folder());
  Json config = parse_json(content_of(tides_folder() / "config.json"), "config");
  config["train_ctx_len"] = kContext;
  const Plan plan = discover(config.dump(), *source, "tides");
  const std::shared_ptr<Backend> b = cpu::make_backend(2);
  const MemoryEstimate estimate = estimate_memory(plan, *b, DType::kF32, 1);
  const auto model = find_forecast_family(plan.family)->load(plan, *source, b, {});
  const std::uint64_t before = b->memory().active;
  forecast_one(*model, wave(kContext), {.horizon = 1});
  EXPECT_LE(b->memory().peak - before, estimate.workspace);
}

class TirexBatch : public ::testing::TestWithParam<BackendCase> {};

// Unequal lengths, more rows than one pass takes: each as it is alone, but for how products of more
// rows add up.
TEST_P(TirexBatch, SeriesDoNotDependOnEachOther) {
  const auto model =
      open_forecaster(golden_folder() / "tirex", GetParam().activations, GetParam().make());
  const double bound = GetParam().is_float32() ? 1e-5 : 0.05;  // as the goldens'
  std::vector<Series> batch;
  for (std::size_t n = 1; n < 80; ++n) batch.push_back({{wave(7 * n)}, {}, {}});
  batch[3].targets[0].assign(5, kMissing);
  const ForecastOptions options{.horizon = 40, .accelerated_steps = 2};
  const auto together = model->forecast(batch, options);
  ASSERT_EQ(together.size(), batch.size());
  for (const std::size_t i : {0, 1, 3, 40, 78}) {
    const Forecast alone = forecast_one(*model, batch[i].targets[0], options);
    ASSERT_EQ(together[i].size(), 1U);
    EXPECT_LE(relative_error(together[i][0].values, alone.values), bound) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, TirexBatch, ::testing::ValuesIn(all_backends()),
                         [](const auto& backend) { return std::string(backend.param.name); });

// What is kept of earlier calls changes nothing, to the bit.
TEST(TirexModel, CallsDoNotDependOnEachOther) {
  const auto fresh = [] { return open_forecaster(golden_folder() / "tirex"); };
  const auto used = fresh();
  for (const std::size_t n : {1, 200, 30, 5, 31}) forecast_one(*used, wave(n), {.horizon = 40});
  for (const std::size_t n : {1, 30, 100, 300}) {
    EXPECT_EQ(forecast_one(*used, wave(n), {.horizon = 40}).values,
              forecast_one(*fresh(), wave(n), {.horizon = 40}).values);
  }
}

// A longer horizon begins as a shorter one, whatever is read at once.
TEST(TirexModel, HorizonsAgree) {
  for (const std::int64_t accelerated : {1, 3}) {
    ForecastOptions options{.horizon = 100, .accelerated_steps = accelerated};
    const Forecast longest = forecast_one(tiny(), wave(200), options);
    EXPECT_EQ(longest.values.size(), 900U);
    for (const std::int64_t horizon : {1, 16, 17, 99}) {
      options.horizon = horizon;
      const Forecast shorter = forecast_one(tiny(), wave(200), options);
      ASSERT_EQ(shorter.values.size(), static_cast<std::size_t>(9 * horizon));
      const std::vector<float> head(longest.values.begin(), longest.values.begin() + 9 * horizon);
      EXPECT_LE(relative_error(shorter.values, head), 1e-5) << horizon;
    }
  }
}

TEST(TirexModel, ContextIsWhatIsRead) {
  const Values all = wave(200);
  const Values newest(all.end() - 50, all.end());
  EXPECT_EQ(forecast_one(tiny(), all, {.horizon = 5, .context = 50}).values,
            forecast_one(tiny(), newest, {.horizon = 5}).values);
  EXPECT_EQ(forecast_one(tiny(), newest, {.horizon = 5, .context = 1000}).values,
            forecast_one(tiny(), newest, {.horizon = 5}).values);
}

// The reference forecasts from nothing, too: location 0, scale 1.
TEST(TirexModel, AllMissingIsForecastAsNothing) {
  const Forecast nothing = forecast_one(tiny(), Values(10, kMissing), {.horizon = 3});
  for (const float x : nothing.values) EXPECT_TRUE(std::isfinite(x));
  EXPECT_EQ(forecast_one(tiny(), Values(1, kMissing), {.horizon = 3}).values, nothing.values);
}

TEST(TirexModel, CancelledBetweenPasses) {
  int asked = 0;
  ForecastOptions options{.horizon = 160};
  options.cancelled = [&] { return ++asked == 3; };
  expect_error(ErrorKind::kCancelled, {"cancelled"},
               [&] { forecast_one(tiny(), wave(20), options); });
  EXPECT_EQ(asked, 3);
}

// Beside float64's; the tokens that hold nothing but padding are gone.
TEST(TirexModel, EmbeddingsBehindEachBlock) {
  const auto wanted = open_weights(golden_folder() / "tirex/embeddings.safetensors");
  const auto series = open_weights(golden_folder() / "tirex/golden-float64.safetensors");
  for (const char* name : {"gaps", "constant"}) {
    const SeriesEmbedding got = tiny().embed(read_golden(*series, name));
    const Shape& shape = wanted->tensors()[wanted->find(name)].shape;
    EXPECT_EQ(Shape({got.tokens, got.layers, got.width}), shape);
    EXPECT_LE(relative_error(got.values, read_golden(*wanted, name)), 1e-5);
  }
  EXPECT_EQ(tiny().embed(wave(1000)).tokens, 16);
}

// Of what the package's resampling makes of the forecast that the formulas give in float64.
TEST(TirexModel, SlowSeasonsAreReadAtALowerRate) {
  const auto tides = open_forecaster(tides_folder());
  const Forecast got = forecast_one(*tides, wave(3000, 200), {.horizon = 120, .resample = true});
  ASSERT_EQ(got.values.size(), 9 * 120U);
  EXPECT_NEAR(got.at(0, 0), 0.04391697, 1e-5);
  EXPECT_NEAR(got.at(0, 8), 0.10624427, 1e-5);
  EXPECT_NEAR(got.at(1, 4), 0.10195503, 1e-5);
  EXPECT_NEAR(got.at(60, 4), 0.94993383, 1e-5);
  EXPECT_NEAR(got.at(119, 0), -0.64399558, 1e-5);
  EXPECT_NEAR(got.at(119, 8), -0.50192076, 1e-5);
  const Forecast plain = forecast_one(*tides, wave(3000, 200), {.horizon = 120});
  EXPECT_GT(relative_error(plain.values, got.values), 1e-3);
}

// Streams.

std::unique_ptr<SeriesStream> stream_of(const Values& values, std::size_t piece) {
  auto stream = tiny().stream(1, 0);
  for (std::size_t at = 0; at < values.size(); at += piece) {
    const std::vector<Values> rows = {
        {values.begin() + static_cast<std::ptrdiff_t>(at),
         values.begin() + static_cast<std::ptrdiff_t>(std::min(at + piece, values.size()))}};
    stream->append(rows);
  }
  return stream;
}

TEST(TirexStream, ForecastsAsTheWholeSeries) {
  Values values = wave(700);
  values[600] = values[699] = kMissing;
  const ForecastOptions options{.horizon = 40, .accelerated_steps = 2};
  for (const std::size_t n : {1, 15, 256, 257, 700}) {
    const Values read(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(n));
    for (const std::size_t piece : {1, 13, 1000}) {
      const auto stream = stream_of(read, piece);
      EXPECT_EQ(stream->position(), n);
      EXPECT_EQ(stream->forecast(options).front().values,
                forecast_one(tiny(), read, options).values);
    }
  }
}

TEST(TirexStream, ForksGoTheirOwnWays) {
  const auto stream = stream_of(wave(100), 100);
  const auto fork = stream->fork();
  const std::vector<Values> more = {{5, 6, 7}};
  fork->append(more);
  EXPECT_EQ(stream->position(), 100U);
  EXPECT_EQ(fork->position(), 103U);
  EXPECT_EQ(stream->forecast({}).front().values, forecast_one(tiny(), wave(100), {}).values);
  EXPECT_NE(fork->forecast({}).front().values, stream->forecast({}).front().values);
}

TEST(TirexStream, RefusesResampling) {
  const auto stream = stream_of(wave(100), 100);
  expect_error(ErrorKind::kUsage, {"[resample]"},
               [&] { stream->forecast({.horizon = 100, .resample = true}); });
}

TEST(TirexStream, GoesOnFromItsFile) {
  const TemporaryFolder folder;
  Values values = wave(300);
  values[290] = kMissing;
  const auto stream = stream_of(values, 300);
  stream->save(folder / "stream");
  const auto loaded = tiny().load_stream(folder / "stream");
  EXPECT_EQ(loaded->position(), 300U);
  const std::vector<Values> more = {{1, 2, kMissing}};
  stream->append(more);
  loaded->append(more);
  EXPECT_EQ(loaded->forecast({}).front().values, stream->forecast({}).front().values);
}

TEST(TirexStream, RefusesInfiniteValuesOfAFile) {
  const TemporaryFolder folder;
  auto stream = tiny().stream(1, 0);
  const std::vector<Values> endless = {{1, std::numeric_limits<float>::infinity()}};
  stream->append(endless);  // which the engine refuses
  stream->save(folder / "stream");
  expect_error(ErrorKind::kFormat, {"finite values in window"},
               [&] { tiny().load_stream(folder / "stream"); });
}

TEST(TirexStream, AnEmptyOneHasAFileToo) {
  const TemporaryFolder folder;
  tiny().stream(1, 0)->save(folder / "stream");
  EXPECT_EQ(tiny().load_stream(folder / "stream")->position(), 0U);
}

TEST(TirexStream, RefusesFilesOfOtherModels) {
  const TemporaryFolder folder;
  open_forecaster(tides_folder())->stream(1, 0)->save(folder / "stream");
  expect_error(ErrorKind::kModel, {"a stream of this model (tirex, ", "one of \"tides-1m\" ("},
               [&] { tiny().load_stream(folder / "stream"); });
}

TEST(TirexStream, RefusesFilesThatAreNoStreams) {
  const TemporaryFolder folder;
  expect_error(ErrorKind::kFile, {"none"}, [&] { tiny().load_stream(folder / "none"); });
  const auto text = folder.file("text", "112\n118\n");
  expect_error(ErrorKind::kFormat, {text.string()}, [&] { tiny().load_stream(text); });
  expect_error(ErrorKind::kFormat, {"a stream's file"},
               [&] { tiny().load_stream(tides_folder() / "model.safetensors"); });
}

// Whatever byte changes: an error, or a file that still says the same.
TEST(TirexStream, EveryByteIsChecked) {
  const TemporaryFolder folder;
  const auto stream = stream_of(wave(5), 5);
  stream->save(folder / "stream");
  const std::string whole = content_of(folder / "stream");
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x04);
    const auto file = folder.file("damaged", damaged);
    try {
      const auto loaded = tiny().load_stream(file);
      EXPECT_EQ(loaded->position(), 5U) << at;
      EXPECT_EQ(loaded->forecast({}).front().values, stream->forecast({}).front().values) << at;
    } catch (const Error&) {
      ++refused;
    }
    const auto cut = folder.file("cut", whole.substr(0, at));
    EXPECT_THROW(tiny().load_stream(cut), Error) << at;
  }
  EXPECT_GT(refused, static_cast<int>(whole.size() / 2));
}

}  // namespace
}  // namespace xlstm::testing
