#include "xlstm/forecast/tirex/window.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace xlstm::tirex {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

TEST(Scale, OfTheValuesThatAreThere) {
  const Scale scale = scale_of(Values{1, kMissing, 3, kMissing});
  EXPECT_EQ(scale.loc, 2);
  EXPECT_EQ(scale.scale, 1);  // of the population
}

TEST(Scale, OfEqualValuesIsTheirSize) {
  EXPECT_EQ(scale_of(Values(40, 0.1F)).scale, 0.1F + 1e-5);  // the mean of 40 times 0.1F is exact
  EXPECT_EQ(scale_of(Values{-7}).scale, 7 + 1e-5);
  EXPECT_EQ(scale_of(Values{0, 0}).scale, 1e-5);
}

TEST(Scale, OfNothing) {
  const Scale scale = scale_of(Values(3, kMissing));
  EXPECT_EQ(scale.loc, 0);
  EXPECT_EQ(scale.scale, 1);
}

// Of large values with small differences the mean must not be rounded to float32.
TEST(Scale, OfSmallDifferencesOfLargeValues) {
  Values values;
  for (int i = 0; i < 2048; ++i) values.push_back(16777000.0F + static_cast<float>(i % 2));
  EXPECT_DOUBLE_EQ(scale_of(values).loc, 16777000.5);
  EXPECT_DOUBLE_EQ(scale_of(values).scale, 0.5);
}

TEST(MostPatches, LeaveAValueInEachWindow) {
  EXPECT_EQ(most_patches(Values(100, 1), 64, 16, 1), 4);
  EXPECT_EQ(most_patches(Values{1}, 64, 16, 1), 4);  // padding leaves first
  EXPECT_EQ(most_patches(Values{1}, 64, 16, 3), 6);  // the second pass behind 48
  EXPECT_EQ(most_patches(Values{1}, 64, 16, 5), 5);
}

TEST(MostPatches, MissingValuesAtTheEndLeaveFewer) {
  EXPECT_EQ(most_patches(Values{1, kMissing}, 64, 16, 1), 4);
  Values values(16, kMissing);
  values.insert(values.begin(), 1);
  EXPECT_EQ(most_patches(values, 64, 16, 1), 3);
  values.insert(values.end(), 47, kMissing);  // the oldest of the context
  EXPECT_EQ(most_patches(values, 64, 16, 1), 1);
  values.push_back(kMissing);  // nothing is there from the start
  EXPECT_EQ(most_patches(values, 64, 16, 1), 4);
}

// What most_patches() says beside the windows themselves.
TEST(MostPatches, AreThoseWhoseWindowsHoldAValue) {
  for (const std::size_t gap : {0, 1, 15, 16, 17, 47, 63}) {
    Values values(1, 5);
    values.insert(values.end(), gap, kMissing);
    for (const std::int64_t accelerated : {1, 2, 3}) {
      std::int64_t patches = 0;
      while (window_of(values, patches * 16, 64, 16).scale.loc == 5) patches += accelerated;
      EXPECT_EQ(most_patches(values, 64, 16, accelerated), patches) << gap;
    }
  }
}

TEST(Window, PadsShortSeriesOnTheLeft) {
  const Window window = window_of(Values{1, kMissing, 3}, 0, 4, 2);
  EXPECT_EQ(window.padding, 1);
  EXPECT_THAT(window.tokens, ElementsAre(0, -1, 0, 1, /*second*/ 0, 1, 0, 1));
}

TEST(Window, PaddingIsWhatIsLeft) {
  EXPECT_EQ(padding_of(3, 0, 64), 61);
  EXPECT_EQ(padding_of(3, 60, 64), 1);
  EXPECT_EQ(padding_of(3, 62, 64), 0);
  EXPECT_EQ(padding_of(100, 0, 64), 0);
  EXPECT_EQ(padding_of(0, 64, 64), 0);
}

TEST(Window, KeepsTheNewestValues) {
  const Window window = window_of(Values{100, 1, 3}, 0, 2, 2);
  EXPECT_EQ(window.padding, 0);
  EXPECT_THAT(window.tokens, ElementsAre(-1, 1, 1, 1));
}

// What was forecast already takes room: the oldest values leave, also from the scale.
TEST(Window, MissingValuesBehindPushOldOnesOut) {
  const Window window = window_of(Values{100, 1, 3}, 2, 4, 2);
  EXPECT_EQ(window.padding, 0);
  EXPECT_THAT(window.tokens, ElementsAre(-1, 1, 1, 1, 0, 0, 0, 0));
}

TEST(Window, MissingValuesBehindFillAll) {
  for (const std::int64_t missing : {4, 5, 1000}) {
    const Window window = window_of(Values{100, 1, 3}, missing, 4, 2);
    EXPECT_EQ(window.padding, 0);
    EXPECT_EQ(window.scale.scale, 1);
    EXPECT_THAT(window.tokens, Each(0));
  }
}

}  // namespace
}  // namespace xlstm::tirex
