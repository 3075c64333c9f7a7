// TiRex-2 patch by patch: the golden states, outputs and forecasts, and a stream beside forecasts
// of the whole series.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <new>

#include "tests/engine/failing_allocations.h"
#include "tests/forecast/tirex2_streams.h"
#include "tests/support/expect_error.h"
#include "tests/support/temporary_folder.h"
#include "xlstm/base/error.h"

namespace xlstm::testing {
namespace {

using tirex2::Follower;
namespace fs = std::filesystem;

TEST_P(Tirex2Streams, PatchesGiveTheGoldenOutputsAndStates) {
  const std::vector<Values> rows = all_rows();
  const auto P = static_cast<std::size_t>(tirex2_.spec().P), T = rows.front().size();
  const auto y = golden_.numbers("stream.y");  // [R, T / P, Q, P]
  const std::size_t of_row = y.size() / rows.size(), of_patch = of_row / (T / P);
  Follower follower = golden_follower();
  double outputs = 0;
  for (std::size_t patch = 0; patch < T / P; ++patch) {
    // In two pieces: half a patch waits for the rest.
    const std::size_t begin = patch * P, middle = begin + P / 2;
    follower.append(part(rows, begin, middle));
    follower.append(part(rows, middle, begin + P));
    for (std::size_t r = 0; r < golden_.rows("stream").size(); ++r) {
      const auto from = y.begin() + static_cast<std::ptrdiff_t>(r * of_row + patch * of_patch);
      const std::vector<float> wanted(from, from + static_cast<std::ptrdiff_t>(of_patch));
      outputs = std::max(outputs, relative_error(follower.rows()[r].output, wanted));
    }
  }
  double states = 0;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::size_t at = 0;
    for (const Layer& layer : model_->loaded().plan.layers) {
      for (const StateTensor& tensor : layer.state) {
        // "blocks.0.C" is "stream.state0.C", of all rows.
        const auto all = golden_.numbers("stream.state" + tensor.name.substr(7));
        const std::size_t size = all.size() / rows.size();
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(r * size);
        const std::vector<float> wanted(from, from + static_cast<std::ptrdiff_t>(size));
        const Tensor& got = follower.rows()[r].state.tensors.at(at++);
        states =
            std::max(states, relative_error(values_of(tirex2_.network().backend(), got), wanted));
      }
    }
  }
  std::vector<Forecast> forecasts;
  for (const auto& each : follower.forecast(GetParam().H)) {
    forecasts.push_back(to_forecast(each, tirex2_.spec()));
  }
  const double forecast =
      relative_error(as_golden(forecasts), golden_.numbers(str("stream.h", GetParam().H)));
  std::printf("%s: outputs within %.1e, states %.1e, forecast %.1e\n", GetParam().folder, outputs,
              states, forecast);
  EXPECT_LE(outputs, bound());
  EXPECT_LE(states, bound());
  EXPECT_LE(forecast, bound());
}

TEST_P(Tirex2Streams, AllAtOnceGivesWhatPatchesGive) {
  const std::vector<Values> rows = all_rows();
  Follower whole = golden_follower(), pieces = golden_follower();
  whole.append(rows);
  for (std::size_t at = 0; at < rows.front().size(); at += 7) {
    pieces.append(part(rows, at, std::min(at + 7, rows.front().size())));
  }
  for (std::size_t target = 0; target < golden_.rows("stream").size(); ++target) {
    EXPECT_LE(relative_error(pieces.rows()[target].output, whole.rows()[target].output), bound());
  }
}

// Up to the model's context the forecast is that of the whole series, whatever came when.
TEST_P(Tirex2Streams, AShortStreamForecastsAsTheWholeSeries) {
  const std::vector<Values> rows = all_rows();
  const Series series{golden_.rows("stream"), golden_.rows("stream.past"), {}};
  const auto stream = model_->stream(series.targets.size(), series.past.size());
  stream->append(part(rows, 0, 31));
  stream->append(part(rows, 31, 33));
  stream->append(part(rows, 33, rows.front().size()));
  EXPECT_EQ(stream->position(), rows.front().size());
  for (const bool trends : {false, true}) {
    const ForecastOptions options = {.horizon = 20, .difference_trends = trends};
    EXPECT_EQ(as_golden(stream->forecast(options)),
              as_golden(model_->forecast(std::span(&series, 1), options).front()));
  }
}

TEST_P(Tirex2LongStreams, WhereTheContextIsFullItGoesOnFromTheForecastOfTheWhole) {
  const std::vector<Values> rows = long_rows(context());
  const Series series{{rows[0], rows[1]}, {rows[2]}, {}};
  const auto stream = model_->stream(2, 1);
  stream->append(rows);
  const ForecastOptions options = {.horizon = 25};
  const auto got = as_golden(stream->forecast(options));
  EXPECT_LE(
      relative_error(got, as_golden(model_->forecast(std::span(&series, 1), options).front())),
      bound());
}

TEST_P(Tirex2LongStreams, NewValuesInPiecesOrAtOnceAndAForkGiveTheSame) {
  const std::size_t more = 3 * static_cast<std::size_t>(tirex2_.spec().P) + 2;
  const std::vector<Values> rows = long_rows(context() + more);
  const auto at_once = model_->stream(2, 1);
  at_once->append(part(rows, 0, context()));
  const auto fork = at_once->fork();
  at_once->append(part(rows, context(), context() + more));
  for (std::size_t at = context(); at < context() + more; ++at)
    fork->append(part(rows, at, at + 1));
  const ForecastOptions options = {.horizon = 21};
  EXPECT_EQ(fork->position(), at_once->position());
  EXPECT_LE(
      relative_error(as_golden(fork->forecast(options)), as_golden(at_once->forecast(options))),
      bound());
  // A forecast moves nothing.
  EXPECT_EQ(as_golden(fork->forecast(options)), as_golden(fork->forecast(options)));
}

TEST_P(Tirex2LongStreams, AnIncompletePatchIsReadBesideWhatFollowedTheLastWholeOne) {
  const auto P = static_cast<std::size_t>(tirex2_.spec().P);
  const std::vector<Values> rows = long_rows(context() + P);
  const auto stream = model_->stream(2, 1);
  stream->append(part(rows, 0, context()));
  const auto before = stream->forecast({.horizon = static_cast<std::int64_t>(P)});
  stream->append(part(rows, context(), context() + 2));
  const auto after = stream->forecast({.horizon = static_cast<std::int64_t>(P)});
  // Of the plain row: medians of this patch are as they were, those of the next have seen it.
  const std::size_t median = before[1].levels.size() / 2;
  for (std::int64_t t = 2; t < static_cast<std::int64_t>(P); ++t) {
    EXPECT_EQ(after[1].at(t - 2, median), before[1].at(t, median)) << t;
  }
  EXPECT_TRUE(std::isfinite(after[1].at(static_cast<std::int64_t>(P) - 1, median)));
  // The row with a trend goes on from its last value.
  EXPECT_LT(std::abs(after[0].at(0, median) - rows[0][context() + 1]), 50);
}

TEST_P(Tirex2LongStreams, WhatAFullContextSettledIsNotAskedForOtherwise) {
  const auto stream = model_->stream(2, 1);
  stream->append(long_rows(context()));
  const auto refused = [&](const ForecastOptions& options, const std::string& option) {
    expect_error(ErrorKind::kUsage, {option, "a whole context"},
                 [&] { stream->forecast(options); });
  };
  refused({.context = 20}, "context");
  refused({.difference_trends = false}, "difference_trends");
  refused({.flip_sign = true}, "flip_sign");
  EXPECT_NO_THROW(stream->forecast({.difference_trends = true, .flip_sign = false}));
}

// Values one by one, a context and then the rest, or all at once.
TEST_P(Tirex2LongStreams, HowManyValuesComeAtOnceMakesNoDifference) {
  const std::size_t length = context() + context() / 2;
  const std::vector<Values> rows = long_rows(length);
  std::vector<std::vector<float>> got;
  for (const std::size_t piece : {std::size_t{1}, context(), length}) {
    const auto stream = model_->stream(2, 1);
    for (std::size_t at = 0; at < length; at += piece) {
      stream->append(part(rows, at, std::min(at + piece, length)));
    }
    got.push_back(as_golden(stream->forecast({.horizon = 12})));
  }
  EXPECT_LE(relative_error(got[1], got[0]), bound());
  EXPECT_LE(relative_error(got[2], got[0]), bound());
}

// A context of equal or missing values has no scale that later ones could keep: until they show one
// the forecast is that of the newest context.
TEST_P(Tirex2LongStreams, WhatHasNoScaleIsNotFollowedYet) {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "a.stream";
  const ForecastOptions options = {.horizon = 12};
  for (const float value : {7.0F, std::nanf("")}) {
    SCOPED_TRACE(value);
    Values values(context() + 5, value);
    const auto stream = model_->stream(1, 0);
    stream->append(std::vector<Values>{values});
    const auto wave = [](int from, int to) {
      Values out;
      for (int t = from; t < to; ++t) out.push_back(100 * std::sin(static_cast<float>(t)));
      return out;
    };
    stream->append(std::vector<Values>{wave(0, 4)});
    stream->save(file);
    const auto loaded = model_->load_stream(file);
    values.insert(values.end(), 4, 0);
    std::ranges::copy(wave(0, 4), values.end() - 4);
    const Series newest{
        {Values(values.end() - static_cast<std::ptrdiff_t>(context()), values.end())}, {}, {}};
    const auto whole = as_golden(model_->forecast(std::span(&newest, 1), options).front());
    for (const auto& each : {stream.get(), loaded.get()}) {
      EXPECT_EQ(each->position(), context() + 9);
      EXPECT_EQ(as_golden(each->forecast(options)), whole);
      each->append(std::vector<Values>{wave(4, 40)});  // beyond where it is followed
    }
    const auto got = as_golden(stream->forecast(options));
    EXPECT_EQ(as_golden(loaded->forecast(options)), got);
    const auto [least, most] = std::ranges::minmax(got);
    EXPECT_GT(most - least, 10) << "a forecast that the wave's size is not in";
  }
}

// Memory that runs out anywhere leaves a stream as it was.
TEST(Tirex2StreamsWithoutMemory, AnAppendThatFailsChangesNothing) {
  const auto model = open_forecaster(golden_folder() / "tirex2-covariates");
  const auto context = static_cast<std::size_t>(model->facts().context);
  const auto rows_of = [](std::size_t begin, std::size_t end) {
    std::vector<Values> rows(2);
    for (std::size_t t = begin; t < end; ++t) {
      const auto x = static_cast<float>(t);
      rows[0].push_back(3 * x + std::sin(x));
      rows[1].push_back(std::cos(0.7F * x));
    }
    return rows;
  };
  // Into the window, over its end, and behind it.
  const std::size_t count = context / 4 + 1;
  for (const std::size_t begin : {context / 2, context - 2, context + 3}) {
    SCOPED_TRACE(begin);
    const auto stream = model->stream(1, 1);
    stream->append(rows_of(0, begin));
    const auto more = rows_of(begin, begin + count);
    const auto undisturbed = stream->fork();
    undisturbed->append(more);
    const ForecastOptions options = {.horizon = 9};
    const auto wanted = as_golden(undisturbed->forecast(options));
    int failures = 0;
    for (const bool tensors : {false, true}) {
      for (int nth = 0;; nth += 1 + nth / 4) {  // there are thousands
        const auto trial = stream->fork();
        tensors ? test::fail_tensor(nth) : test::fail_allocation(nth);
        try {
          trial->append(more);
        } catch (const std::bad_alloc&) {
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::kMemory) << error.what();
        }
        if (!test::fail_none()) break;
        ++failures;
        ASSERT_EQ(trial->position(), begin);
        trial->append(more);
        ASSERT_EQ(as_golden(trial->forecast(options)), wanted) << nth;
      }
    }
    EXPECT_GT(failures, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Backends, Tirex2Streams, ::testing::ValuesIn(stream_cases()),
                         name_of_case);
INSTANTIATE_TEST_SUITE_P(Backends, Tirex2LongStreams, ::testing::ValuesIn(stream_cases()),
                         name_of_case);

}  // namespace
}  // namespace xlstm::testing
