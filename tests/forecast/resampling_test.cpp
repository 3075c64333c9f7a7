// Rates and spectra beside what the `tirex` package's functions gave for the same series.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>
#include <vector>

#include "xlstm/forecast/tirex/resampling.h"
#include "xlstm/forecast/tirex/spectrum.h"

namespace xlstm::tirex {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

constexpr std::int64_t kContext = 2016;  // the package's own: seasons up to 1000
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// A wave with a little of another, some values missing.
std::vector<float> wave(std::size_t n, double period,
                        std::initializer_list<std::size_t> gaps = {}) {
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double phase = 2 * std::numbers::pi * static_cast<double>(i) / period;
    out[i] = static_cast<float>(std::sin(phase) + 0.001 * static_cast<double>(i % 7));
  }
  for (const std::size_t gap : gaps) out[gap] = kMissing;
  return out;
}

struct Season {
  double amplitude, period;
};
std::vector<float> seasons(std::initializer_list<Season> all) {
  std::vector<float> out(4000);
  for (std::size_t i = 0; i < out.size(); ++i) {
    double sum = 0;
    for (const Season& s : all) {
      sum += s.amplitude * std::sin(2 * std::numbers::pi * static_cast<double>(i) / s.period);
    }
    out[i] = static_cast<float>(sum);
  }
  return out;
}

TEST(ResamplingFactor, OneSeasonFills64Values) {
  EXPECT_FLOAT_EQ(resampling_factor(wave(3000, 200), 100, kContext), 1.0F / 3);
  EXPECT_FLOAT_EQ(
      resampling_factor(wave(2501, 130, {0, 1, 2, 700, 701, 702, 703, 2500}), 100, kContext), 0.5F);
  EXPECT_FLOAT_EQ(resampling_factor(wave(2000, 500), 100, kContext), 1.0F / 8);
  EXPECT_FLOAT_EQ(resampling_factor(wave(3000, 900), 100, kContext), 1.0F / 12);
  EXPECT_FLOAT_EQ(resampling_factor(wave(3001, 250.5), 100, kContext), 0.25F);
}

TEST(ResamplingFactor, OffWhereItCannotTellOrNeedNot) {
  EXPECT_EQ(resampling_factor(wave(3000, 200), 99, kContext), 1);   // a short horizon
  EXPECT_EQ(resampling_factor(wave(1999, 500), 100, kContext), 1);  // a short series
  EXPECT_EQ(resampling_factor(wave(4000, 64), 100, kContext), 1);
  EXPECT_EQ(resampling_factor(wave(4000, 40), 100, kContext), 1);  // a fast season
  EXPECT_EQ(resampling_factor(seasons({{1, 200}, {0.3, 20}}), 100, kContext), 1);
  EXPECT_EQ(resampling_factor(std::vector<float>(3000, 5.0F), 100, kContext), 1);
  EXPECT_EQ(resampling_factor(std::vector<float>(3000, kMissing), 100, kContext), 1);
  EXPECT_EQ(resampling_factor(wave(3000, 200), 100, 999), 1);  // no season is slow enough
}

// Of a season and one about twice as fast the slower counts, though it be the lower.
TEST(ResamplingFactor, TakesTheSlowerOfAPair) {
  EXPECT_FLOAT_EQ(resampling_factor(seasons({{0.6, 400}, {1, 200}}), 100, kContext), 1.0F / 6);
  EXPECT_FLOAT_EQ(resampling_factor(seasons({{0.6, 800}, {1, 200}}), 100, kContext), 1.0F / 3);
}

TEST(Resampling, LowerRateAveragesWhatIsThere) {
  const std::vector<float> third = at_lower_rate(wave(3000, 200), 1.0F / 3);
  ASSERT_EQ(third.size(), 1001U);
  // The package adds float32 up from the first value on.
  EXPECT_NEAR(third[0], 0.01620538F, 1e-5);
  EXPECT_NEAR(third[1], 0.09707735F, 1e-5);
  EXPECT_NEAR(third[3], 0.28089932F, 1e-5);
  EXPECT_NEAR(third[1000], -0.04460096F, 1e-4);
  const std::vector<float> half =
      at_lower_rate(wave(2501, 130, {0, 1, 2, 700, 701, 702, 703, 2500}), 0.5);
  ASSERT_EQ(half.size(), 1251U);
  EXPECT_TRUE(std::isnan(half[0]));
  EXPECT_NEAR(half[1], 0.14748906F, 1e-5);
  EXPECT_NEAR(half[3], 0.28938973F, 1e-5);
  EXPECT_NEAR(half[1250], 0.98572540F, 1e-4);
}

TEST(Resampling, HigherRateInterpolates) {
  std::vector<float> rows;  // 34 steps of two quantiles: i and i^2
  for (int i = 0; i < 34; ++i) rows.insert(rows.end(), {float(i), float(i * i)});
  const std::vector<float> out = at_higher_rate(rows, 2, 1.0F / 3);
  ASSERT_EQ(out.size(), 2 * 102U);
  EXPECT_FLOAT_EQ(out[2], 0.32673267F);
  EXPECT_FLOAT_EQ(out[9], 1.9207920F);
  EXPECT_FLOAT_EQ(out[200], 32.673267F);
  EXPECT_FLOAT_EQ(out[201], 1067.7623F);
  EXPECT_FLOAT_EQ(out[203], 1089.0F);
}

TEST(Resampling, RateOfOneChangesNothing) {
  const std::vector<float> values = {1, kMissing, 3};
  const Resampling same(values, 5, 1);
  EXPECT_EQ(same.context().data(), values.data());
  EXPECT_EQ(same.steps(), 5);
  const std::vector<float> forecast = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_THAT(same.at_own_rate(forecast, 1), ElementsAre(1, 2, 3, 4, 5));
}

TEST(Resampling, ForecastsAsManyStepsAsTheHorizonNeeds) {
  const std::vector<float> values = wave(3000, 200);
  const Resampling third(values, 120, 1.0F / 3);
  EXPECT_EQ(third.context().size(), 1001U);
  EXPECT_EQ(third.steps(), 41);  // of 120 / 3: the factor's float32 is above a third
  EXPECT_EQ(third.at_own_rate(std::vector<float>(2 * 64), 2).size(), 240U);
}

TEST(Resampling, LongestHorizonOfSoManySteps) {
  const std::vector<float> values = wave(3000, 200);
  for (int k = 1; k <= 12; ++k) {
    const double factor = 1.0F / static_cast<float>(k);
    const std::int64_t longest = Resampling(values, 100, factor).longest_horizon(2048);
    EXPECT_LE(Resampling(values, longest, factor).steps(), 2048) << k;
    EXPECT_GT(Resampling(values, longest + 1, factor).steps(), 2048) << k;
  }
}

// The definition, term by term.
std::vector<std::complex<double>> slow_transform(const std::vector<double>& x) {
  std::vector<std::complex<double>> out(x.size() / 2 + 1);
  for (std::size_t k = 0; k < out.size(); ++k) {
    for (std::size_t t = 0; t < x.size(); ++t) {
      const auto turn = static_cast<double>(k * t % x.size()) / static_cast<double>(x.size());
      out[k] += std::polar(x[t], -2 * std::numbers::pi * turn);
    }
  }
  return out;
}

TEST(Spectrum, TransformsAnyLength) {
  for (const std::size_t n : {1, 2, 3, 4, 5, 7, 16, 97, 100, 243, 1009}) {
    std::vector<double> x;
    for (std::size_t t = 0; t < n; ++t) x.push_back(std::cos(static_cast<double>(t * t)) + 0.5);
    const auto fast = real_transform(x), slow = slow_transform(x);
    ASSERT_EQ(fast.size(), slow.size());
    for (std::size_t k = 0; k < fast.size(); ++k) {
      EXPECT_LE(std::abs(fast[k] - slow[k]), 1e-12 * static_cast<double>(n)) << n << " " << k;
    }
  }
}

TEST(Spectrum, AmplitudesOfBothParities) {
  std::vector<float> values;
  for (int i = 0; i < 12; ++i) {
    const double x = std::sin(2 * std::numbers::pi * i / 7) + 2;
    values.push_back(i % 10 == 3 ? kMissing : static_cast<float>(x));
  }
  EXPECT_THAT(amplitude_spectrum(values),
              Pointwise(::testing::DoubleNear(1e-6), {0.22063571, 0.89450628, 1.0, 0.30115715,
                                                      0.01919845, 0.03440238, 0.01704096}));
  values.pop_back();
  EXPECT_THAT(amplitude_spectrum(values),
              Pointwise(::testing::DoubleNear(1e-6),
                        {0.33906913, 1.0, 0.88182163, 0.19163838, 0.02476904, 0.04290721}));
}

}  // namespace
}  // namespace xlstm::tirex
