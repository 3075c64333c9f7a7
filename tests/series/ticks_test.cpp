#include "xlstm/series/ticks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace xlstm {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

std::vector<std::string> labels_of(const std::vector<Tick>& ticks) {
  std::vector<std::string> out;
  for (const Tick& tick : ticks) out.push_back(tick.label);
  return out;
}

std::vector<std::string> labels(const std::string& start, const std::string& step,
                                std::int64_t count) {
  const auto each = parse_step(step).value();
  return labels_of(
      time_ticks(Timeline(parse_time(start).value(), each.unit, each.count), 0, count, 7));
}

TEST(Ticks, NumbersAreRound) {
  EXPECT_THAT(labels_of(number_ticks(104, 622, 7)), ElementsAre("200", "300", "400", "500", "600"));
  EXPECT_THAT(labels_of(number_ticks(-0.12, 0.27, 5)), ElementsAre("-0.1", "0", "0.1", "0.2"));
  EXPECT_THAT(labels_of(number_ticks(0, 3e9, 4)), ElementsAre("0", "1e+09", "2e+09", "3e+09"));
}

TEST(Ticks, RangesWithoutRoomHaveOne) {
  EXPECT_THAT(labels_of(number_ticks(7, 7, 5)), ElementsAre("7"));
  EXPECT_THAT(number_ticks(0, std::numeric_limits<double>::infinity(), 5), SizeIs(1));
}

TEST(Ticks, TimesBeginYearsMonthsDaysOrHours) {
  EXPECT_THAT(labels("1958-03", "month", 120), ElementsAre("1960", "1962", "1964", "1966", "1968"));
  EXPECT_THAT(labels("2020-01", "month", 12), ElementsAre("2020-04", "2020-07", "2020-10"));
  EXPECT_THAT(labels("2019Q2", "quarter", 6),
              ElementsAre("2019 Q3", "2019 Q4", "2020 Q1", "2020 Q2", "2020 Q3"));
  EXPECT_THAT(labels("2020-01-30", "D", 5),
              ElementsAre("2020-01-31", "2020-02-01", "2020-02-02", "2020-02-03"));
  EXPECT_THAT(labels("2020-01-01T22:00", "h", 6),
              ElementsAre("23:00", "01-02", "01:00", "02:00", "03:00"));
}

TEST(Ticks, NumbersOfATimelineAndNone) {
  EXPECT_THAT(
      labels_of(time_ticks(Timeline(parse_time("1871").value(), TimeUnit::kNumber, 1), 0, 100, 6)),
      ElementsAre("1880", "1900", "1920", "1940", "1960"));
  const auto ticks = time_ticks({}, 10, 20, 5);
  EXPECT_THAT(labels_of(ticks), ElementsAre("15", "20", "25", "30"));
  EXPECT_EQ(ticks[0].at, 14);  // the fifteenth
}

}  // namespace
}  // namespace xlstm
