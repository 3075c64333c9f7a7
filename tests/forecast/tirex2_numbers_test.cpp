// What TiRex-2 does to numbers outside the network, by values that were worked out by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "xlstm/forecast/tirex2/bands.h"
#include "xlstm/forecast/tirex2/rows.h"
#include "xlstm/forecast/tirex2/sample_batch.h"
#include "xlstm/forecast/tirex2/trend.h"

namespace xlstm::tirex2 {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::NanSensitiveFloatEq;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

SeriesSpec spec() {
  SeriesSpec out;
  out.P = 4;
  out.context = 10;
  out.future = 8;
  out.quantiles = {0.1F, 0.5F, 0.9F};
  out.use_arcsinh = out.binary_aware = true;
  return out;
}

Values ramp(std::size_t length, float first = 0) {
  Values out(length);
  for (std::size_t t = 0; t < length; ++t) out[t] = first + static_cast<float>(t);
  return out;
}

TEST(Tirex2Scale, IsThatOfTheValuesThatAreThere) {
  const RowScale scale = scale_of(Values{kNan, 1, 3, kNan, 5, 7}, spec());
  EXPECT_FLOAT_EQ(scale.loc, 4);
  EXPECT_FLOAT_EQ(scale.scale, std::sqrt(5.0F));  // squares 9, 1, 1, 9
  EXPECT_FALSE(scale.is_binary);
  EXPECT_FLOAT_EQ(scaled(7, scale, spec()), std::asinh(3 / std::sqrt(5.0F)));
  EXPECT_TRUE(std::isnan(scaled(kNan, scale, spec())));
  EXPECT_NEAR(unscaled(scaled(-2.5F, scale, spec()), scale, spec()), -2.5F, 1e-6);
}

TEST(Tirex2Scale, NothingIsScaledOfZerosAndOnesAndOfNothing) {
  for (const Values& values : {Values{0, 1, kNan, 1}, Values{kNan, kNan}, Values{1, 1}}) {
    const RowScale scale = scale_of(values, spec());
    EXPECT_EQ(scale.loc, 0);
    EXPECT_EQ(scale.scale, 1);
    EXPECT_TRUE(scale.is_binary);
    EXPECT_EQ(scaled(1, scale, spec()), 1);
    EXPECT_EQ(unscaled(30, scale, spec()), 30);
  }
  EXPECT_FALSE(scale_of(Values{0, -1}, spec()).is_binary);
  SeriesSpec unaware = spec();
  unaware.binary_aware = false;
  EXPECT_FLOAT_EQ(scale_of(Values{0, 1, 1, 0}, unaware).loc, 0.5F);
  EXPECT_EQ(scale_of(Values{kNan}, unaware).scale, 1);
}

TEST(Tirex2Scale, EqualValuesHaveTheLeastScaleAndTheirOwnForecast) {
  for (const float value : {7.25F, 1000.1F, 0.1F}) {
    const RowScale scale = scale_of(Values(2048, value), spec());
    EXPECT_EQ(scale.loc, value);
    EXPECT_EQ(scale.scale, 1e-8F);
    EXPECT_EQ(scaled(value, scale, spec()), 0);
    EXPECT_NEAR(unscaled(3, scale, spec()), value, 1e-6F * value);
  }
}

TEST(Tirex2Scale, SinhSeesAtMostTwenty) {
  const RowScale scale = {1, 2, false};
  EXPECT_EQ(unscaled(21, scale, spec()), unscaled(1e9F, scale, spec()));
  EXPECT_NEAR(unscaled(21, scale, spec()), 2 * std::sinh(20.0) + 1, 100);
  SeriesSpec plain = spec();
  plain.use_arcsinh = false;
  EXPECT_EQ(unscaled(21, scale, plain), 43);
}

TEST(Tirex2Scale, LargeValuesDoNotOverflowAndInfiniteOnesGiveNoNumber) {
  const RowScale large = scale_of(Values{1e30F, -1e30F}, spec());
  EXPECT_FLOAT_EQ(large.scale, 1e30F);
  const float infinity = std::numeric_limits<float>::infinity();
  const RowScale none = scale_of(Values{1, infinity}, spec());
  EXPECT_TRUE(std::isnan(unscaled(1, none, spec())));
}

// What lies between is beyond float32.
TEST(Tirex2Scale, ValuesFromOneEndOfFloatsToTheOtherAreScaledAndBack) {
  const float most = std::numeric_limits<float>::max();
  const Values values = {3e38F, -3e38F, 3e38F};
  for (const bool arcsinh : {true, false}) {
    SeriesSpec own = spec();
    own.use_arcsinh = arcsinh;
    const RowScale scale = scale_of(values, own);
    ASSERT_TRUE(std::isfinite(scale.scale));
    for (const float x : values) {
      const double u = (static_cast<double>(x) - scale.loc) / scale.scale;
      EXPECT_NEAR(scaled(x, scale, own), arcsinh ? std::asinh(u) : u, 1e-6);
      EXPECT_NEAR(unscaled(scaled(x, scale, own), scale, own) / x, 1, 1e-6);
    }
    EXPECT_EQ(unscaled(19, scale, own), most);
    EXPECT_EQ(unscaled(-19, scale, own), -most);
    // A value that nobody expected of a flat series: still one that the network can read.
    const RowScale flat = {0, 1e-8F, false};
    EXPECT_TRUE(std::isfinite(scaled(3e38F, flat, own)));
    EXPECT_TRUE(std::isfinite(scaled(-3e38F, flat, own)));
  }
}

TEST(Tirex2Trend, ALineHasOneAndNoiseHasNone) {
  EXPECT_TRUE(has_trend(ramp(40)));
  EXPECT_TRUE(has_trend(Values{4, 3, 2, 1}));
  EXPECT_FALSE(has_trend(Values{4, 3, 2, kNan}));  // three values
  EXPECT_FALSE(has_trend(Values(40, 5)));
  EXPECT_FALSE(has_trend(Values(40, kNan)));
  EXPECT_FALSE(has_trend({}));
  Values vee = ramp(40);
  for (std::size_t t = 0; t < 20; ++t) vee[t] = 40 - vee[t];
  EXPECT_FALSE(has_trend(vee));
  Values wave(100);
  for (std::size_t t = 0; t < wave.size(); ++t) wave[t] = std::sin(static_cast<float>(t));
  EXPECT_FALSE(has_trend(wave));
}

// r^2 of a line with alternating noise of size a: standardised slope and r^2 follow from the
// variances n^2 / 12 and a^2. With n = 40, r^2 = 133.25 / (133.25 + a^2): 0.87 at a = 4.46.
TEST(Tirex2Trend, NeedsRSquaredOf087) {
  for (const auto& [noise, wanted] : {std::pair(4.3F, true), {4.7F, false}}) {
    Values values = ramp(40);
    for (std::size_t t = 0; t < values.size(); ++t) values[t] += t % 2 == 0 ? noise : -noise;
    EXPECT_EQ(has_trend(values), wanted) << noise;
  }
}

TEST(Tirex2Trend, DifferencesBeginWithZeroAndMissWhereEitherDoes) {
  EXPECT_THAT(differences(Values{5, 7, kNan, 9, 12}),
              ElementsAre(0, 2, NanSensitiveFloatEq(kNan), NanSensitiveFloatEq(kNan), 3));
  EXPECT_THAT(differences(Values{kNan, 7}), ElementsAre(0, NanSensitiveFloatEq(kNan)));
  const float most = std::numeric_limits<float>::max();
  EXPECT_THAT(differences(Values{-3e38F, 3e38F, -3e38F}), ElementsAre(0, most, -most));
  EXPECT_EQ(last_value(Values{1, 2, kNan}), 2);
  EXPECT_EQ(last_value(Values{kNan}), 0);
}

TEST(Tirex2Bands, WidenFromTheMedian) {
  Quantiles y = {3, 2, {1, 1, 2, 3, 4, 9}};  // levels 1 1 | 2 3 | 4 9
  widen_band(y);
  const float first = std::sqrt(0.9F), second = std::sqrt(0.9F) * std::pow(2.0F, 0.02F);
  EXPECT_THAT(y.values, ElementsAre(FloatEq(2 - first), FloatNear(3 - 2 * second, 1e-5F), 2, 3,
                                    FloatEq(2 + 2 * first), FloatNear(3 + 6 * second, 1e-5F)));
}

TEST(Tirex2Bands, IntegrateAroundTheSumOfMedians) {
  // Distances from the median: -1, -1 | 0, 0 | 2, -3, of which the last sums up to below 0.
  Quantiles y = {3, 2, {0, 1, 1, 2, 3, -1}};
  integrate(y, 10);
  const float scale = std::sqrt(1.68F), later = scale * std::pow(2.0F, 0.01F);
  EXPECT_THAT(
      y.values,
      ElementsAre(FloatEq(11 - scale), FloatNear(13 - later * std::sqrt(2.0F), 1e-5F), 11, 13,
                  FloatEq(11 - 2 * scale), FloatNear(13 - later * std::sqrt(13.0F), 1e-5F)));
}

// Squares of 1e30 are beyond float32, as are sums of two values of 3e38.
TEST(Tirex2Bands, LargeOnesDoNotOverflow) {
  Quantiles y = {3, 2, {-1e30F, -1e30F, 0, 0, 1e30F, 1e30F}};
  integrate(y, 0);
  const double first = std::sqrt(1.68) * 1e30, second = first * std::sqrt(2.0) * std::pow(2, 0.01);
  EXPECT_NEAR(y.at(0, 0) / -first, 1, 1e-6);
  EXPECT_NEAR(y.at(2, 1) / second, 1, 1e-6);
  Quantiles sums = {3, 2, {3e38F, 3e38F, 3e38F, 3e38F, 3e38F, 3e38F}};
  integrate(sums, 0);
  EXPECT_THAT(
      sums.values,
      ::testing::Each(::testing::Truly([](float x) { return std::isfinite(x) && x >= 3e38F; })));
  Quantiles wide = {3, 1, {-3e38F, 3e38F, 3e38F}};
  widen_band(wide);
  EXPECT_NEAR(wide.at(0, 0) / (3e38 - std::sqrt(0.9) * 6e38), 1, 1e-6);
  Quantiles a = {1, 1, {3e38F}};
  average_with_mirrored(a, {1, 1, {-3e38F}}, std::array<std::size_t, 1>{0});
  EXPECT_FLOAT_EQ(a.at(0, 0), 3e38F);
}

TEST(Tirex2Bands, FlippedLevelsAnswerForEachOther) {
  const std::array levels = {0.1F, 0.25F, 0.5F, 0.75F, 0.9F};
  EXPECT_EQ(mirrored_levels(levels), (std::vector<std::size_t>{4, 3, 2, 1, 0}));
  EXPECT_EQ(mirrored_levels(std::array{0.1F, 0.5F, 0.8F}), std::nullopt);
  Quantiles a = {3, 1, {1, 2, 3}};
  average_with_mirrored(a, {3, 1, {-7, -4, -2}}, std::array<std::size_t, 3>{2, 1, 0});
  EXPECT_THAT(a.values, ElementsAre(1.5F, 3, 5));
}

TEST(Tirex2Rows, AreFilledUpOrCutOnTheLeft) {
  const Series series = {{ramp(6, 1)}, {}, {}};
  const RowOptions padded = {5, true, false, false}, plain = {5, false, false, false};
  const Sample whole = sample_of(series, spec(), padded);
  EXPECT_EQ(whole.rows.front().values.size(), 18U);  // 10 and 8
  EXPECT_TRUE(std::isnan(whole.rows.front().values[3]));
  EXPECT_EQ(whole.rows.front().values[4], 1);
  EXPECT_EQ(whole.tokens, 5);
  EXPECT_EQ(whole.first, 2);
  EXPECT_EQ(whole.computed, 4);  // two patches hold 5 steps
  const Sample alone = sample_of(series, spec(), plain);
  EXPECT_EQ(alone.rows.front().values.size(), 14U);
  EXPECT_EQ(alone.tokens, 4);

  const Series longer = {{ramp(15, 1)}, {ramp(15, 101)}, {ramp(23, 201)}};
  const Sample cut = sample_of(longer, spec(), padded);
  ASSERT_EQ(cut.rows.size(), 3U);
  EXPECT_EQ(cut.rows[0].values.front(), 6);
  EXPECT_EQ(cut.rows[1].values[9], 115);
  EXPECT_TRUE(std::isnan(cut.rows[1].values[10]));
  EXPECT_EQ(cut.rows[2].values[14], 220);  // five steps ahead; the rest is not looked at
  EXPECT_TRUE(std::isnan(cut.rows[2].values[15]));
  EXPECT_TRUE(cut.rows[2].is_known);
  EXPECT_EQ(cut.computed, cut.tokens);
}

TEST(Tirex2Rows, AKnownCovariateWithoutAFutureIsAPastOne) {
  Values covariate(14, kNan);
  covariate[3] = 1;
  Series series = {{ramp(6)}, {}, {covariate}};
  EXPECT_FALSE(sample_of(series, spec(), {8, true, false, false}).any_known());
  series.known[0][13] = 1;
  EXPECT_TRUE(sample_of(series, spec(), {8, true, false, false}).any_known());
  EXPECT_FALSE(sample_of(series, spec(), {7, true, false, false}).any_known());
}

TEST(Tirex2Rows, TokensAreValuesAndWhatIsThere) {
  Row row;
  row.values = {0, 1, kNan, 1, 1, 0};
  row.scale = {0, 1, true};
  std::vector<float> tokens;
  append_tokens(row, spec(), 2, tokens);  // two missing values fill up the first patch
  EXPECT_THAT(tokens, ElementsAre(0, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 1));
}

TEST(Tirex2Rows, LieInTheNetworksOrder) {
  const RowOptions options = {4, true, false, false};
  const Sample alone = sample_of({{ramp(9)}, {}, {}}, spec(), options);
  const Sample past = sample_of({{ramp(9), ramp(9)}, {ramp(9)}, {}}, spec(), options);
  const std::array all = {&alone, &past};
  const SampleBatch batch(all);
  EXPECT_EQ(batch.rows.R, 4);
  EXPECT_EQ(batch.rows.known, 0);
  EXPECT_EQ(batch.rows.mixed, 3);
  EXPECT_EQ(batch.rows.targets, 3);
  EXPECT_THAT(batch.order,
              ElementsAre(&past.rows[2], &past.rows[0], &past.rows[1], &alone.rows[0]));
  EXPECT_THAT(batch.rows.groups.group, ElementsAre(1, 1, 1));
  EXPECT_THAT(batch.rows.groups.is_target, ElementsAre(0, 1, 1));

  const Sample known = sample_of({{ramp(9)}, {ramp(9)}, {ramp(13)}}, spec(), options);
  const Sample* const only = &known;
  const SampleBatch single(std::span(&only, 1));
  EXPECT_EQ(single.rows.known, 1);
  EXPECT_THAT(single.order, ElementsAre(&known.rows[2], &known.rows[1], &known.rows[0]));
}

}  // namespace
}  // namespace xlstm::tirex2
