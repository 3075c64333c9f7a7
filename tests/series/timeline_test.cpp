#include "xlstm/series/timeline.h"

#include "tests/support/expect_error.h"

namespace xlstm {
namespace {

using ::testing::ElementsAre;

PlacedTimes placed(const std::vector<std::string>& texts) {
  std::vector<TimePoint> times;
  for (const std::string& text : texts) times.push_back(parse_time(text).value());
  return place_times(times, [](std::size_t i) { return str("row ", i + 1); });
}

// The two that follow.
std::vector<std::string> next(const std::vector<std::string>& texts) {
  const PlacedTimes all = placed(texts);
  return {all.timeline.text(all.indices.back() + 1), all.timeline.text(all.indices.back() + 2)};
}

TEST(Timeline, GoesOnByTheCalendar) {
  EXPECT_THAT(next({"1960-10", "1960-11", "1960-12"}), ElementsAre("1961-01", "1961-02"));
  EXPECT_THAT(next({"2009-Q2", "2009-Q3"}), ElementsAre("2009-Q4", "2010-Q1"));
  EXPECT_THAT(next({"2019Q4"}), ElementsAre("2020Q1", "2020Q2"));
  EXPECT_THAT(next({"1968", "1969", "1970"}), ElementsAre("1971", "1972"));
  EXPECT_THAT(next({"2019-12-01", "2020-01-01"}), ElementsAre("2020-02-01", "2020-03-01"));
  EXPECT_THAT(next({"2019-12-31", "2020-01-31"}), ElementsAre("2020-02-29", "2020-03-31"));
  EXPECT_THAT(next({"2018-02-28", "2019-02-28"}), ElementsAre("2020-02-29", "2021-02-28"));
  EXPECT_THAT(next({"2020-02-15", "2020-03-15"}), ElementsAre("2020-04-15", "2020-05-15"));
  EXPECT_THAT(next({"2020-W52", "2020-W53"}), ElementsAre("2021-W01", "2021-W02"));
  EXPECT_THAT(next({"2020-01", "2021-01"}), ElementsAre("2022-01", "2023-01"));
}

TEST(Timeline, GoesOnByAConstantStep) {
  EXPECT_THAT(next({"2020-02-27", "2020-02-28"}), ElementsAre("2020-02-29", "2020-03-01"));
  EXPECT_THAT(next({"2001-12-22", "2001-12-29"}), ElementsAre("2002-01-05", "2002-01-12"));
  EXPECT_THAT(next({"2020-12-31 22:00", "2020-12-31 23:00"}),
              ElementsAre("2021-01-01 00:00", "2021-01-01 01:00"));
  EXPECT_THAT(next({"2020-01-01T00:00:00.5Z", "2020-01-01T00:00:00.8Z"}),
              ElementsAre("2020-01-01T00:00:01.1Z", "2020-01-01T00:00:01.4Z"));
  EXPECT_THAT(next({"0.1", "0.2", "0.30"}), ElementsAre("0.40", "0.50"));
  EXPECT_THAT(next({"1606780800", "1606784400"}), ElementsAre("1606788000", "1606791600"));
  EXPECT_THAT(next({"5"}), ElementsAre("6", "7"));
  EXPECT_THAT(next({"2020-05-06T07:30"}), ElementsAre("2020-05-06T08:30", "2020-05-06T09:30"));
}

TEST(Timeline, ZonesThatChangeAreOneTime) {
  EXPECT_THAT(next({"2020-10-25T01:00+02:00", "2020-10-25T02:00+02:00", "2020-10-25T02:00+01:00"}),
              ElementsAre("2020-10-25T03:00+01:00", "2020-10-25T04:00+01:00"));
  EXPECT_THAT(next({"2020-03-29T00:00+01:00", "2020-03-29T01:00+01:00", "2020-03-29T03:00+02:00"}),
              ElementsAre("2020-03-29T04:00+02:00", "2020-03-29T05:00+02:00"));
}

TEST(Timeline, LocalDaysAndMonthsGoOnWhateverTheOffset) {
  const std::vector<std::string> days = {"2020-03-28T00:00+01:00", "2020-03-29T00:00+01:00",
                                         "2020-03-30T00:00+02:00", "2020-03-31T00:00+02:00"};
  EXPECT_THAT(placed(days).indices, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(next(days), ElementsAre("2020-04-01T00:00+02:00", "2020-04-02T00:00+02:00"));
  EXPECT_THAT(next({"2020-03-01T00:00+01:00", "2020-04-01T00:00+02:00"}),
              ElementsAre("2020-05-01T00:00+02:00", "2020-06-01T00:00+02:00"));
  EXPECT_THAT(next({"2020-10-25T02:00+02:00", "2020-10-25T02:00+01:00"}),
              ElementsAre("2020-10-25T03:00+01:00", "2020-10-25T04:00+01:00"));
}

TEST(Timeline, IsWrittenAsFinelyAsAnyTime) {
  EXPECT_THAT(next({"2020-01-01T00:00", "2020-01-01T00:00:30"}),
              ElementsAre("2020-01-01T00:01:00", "2020-01-01T00:01:30"));
}

TEST(Timeline, WeekendsAreNoGapsOfBusinessDays) {
  std::vector<std::string> days;
  for (const int day : {6, 7, 8, 9, 10, 13, 14, 15, 17}) {  // of January 2020; the 16th is missing
    days.push_back((day < 10 ? "2020-01-0" : "2020-01-") + std::to_string(day));
  }
  EXPECT_THAT(placed(days).indices, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 9));
  EXPECT_THAT(next(days), ElementsAre("2020-01-20", "2020-01-21"));
}

TEST(Timeline, GapsAreLeftOut) {
  EXPECT_THAT(placed({"2020-01", "2020-02", "2020-05", "2020-06"}).indices,
              ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(placed({"2020-01-01", "2020-01-02", "2020-01-05", "2020-01-06"}).indices,
              ElementsAre(0, 1, 4, 5));
  EXPECT_THAT(placed({"10", "20", "50", "60"}).indices, ElementsAre(0, 1, 4, 5));
}

TEST(Timeline, RefusesWhatIsNoTimeline) {
  const auto refused = [](const std::vector<std::string>& texts,
                          const std::vector<std::string>& pieces) {
    expect_error(ErrorKind::kFormat, pieces, [&] { placed(texts); });
  };
  refused({"2020-01", "2020-03", "2020-02"},
          {"[row 3]", "a time after 2020-03", "2020-02, which is before it"});
  refused({"2020-01", "2020-01"}, {"[row 2]", "2020-01, again"});
  refused({"2020-01-01", "2020-01-03", "2020-01-05", "2020-01-06"},
          {"[row 4]", "steps of 2 days", "got 1 days"});
  refused({"2020-01", "2020-01-02"}, {"[row 2]", "a month", "\"2020-01-02\""});
  refused({"1", "2", "3", "9000000000"}, {"[row 4]", "not so many steps"});
  refused({"2020-01-01T00:00", "2020-01-01T00:01", "2020-01-01T00:02", "9999-12-31T00:00"},
          {"[row 4]", "not so many steps of 60 seconds"});
}

TEST(Timeline, EndsWithYearsOfFourDigits) {
  const PlacedTimes all = placed({"2000-01", "2001-01"});
  expect_error(ErrorKind::kUsage, {"years"}, [&] { all.timeline.text(1'000'000); });
  expect_error(ErrorKind::kUsage, {"years"}, [&] {
    placed({"0001-01-01", "5000-01-01"}).timeline.text(1'000'000);
  });
}

TEST(Timeline, StepsByTheirNames) {
  const auto is = [](const char* text, TimeUnit unit, double count) {
    const auto step = parse_step(text);
    return step && step->unit == unit && step->count == count;
  };
  EXPECT_TRUE(is("month", TimeUnit::kMonth, 1));
  EXPECT_TRUE(is("3 months", TimeUnit::kMonth, 3));
  EXPECT_TRUE(is("Q", TimeUnit::kMonth, 3));
  EXPECT_TRUE(is("2Y", TimeUnit::kMonth, 24));
  EXPECT_TRUE(is("15min", TimeUnit::kMicrosecond, 15 * 60e6));
  EXPECT_TRUE(is("D", TimeUnit::kDay, 1));
  EXPECT_TRUE(is("business day", TimeUnit::kBusinessDay, 1));
  for (const char* text : {"", "0 days", "x", "-1 day", "1.5 days", "9999999 days", "dayss"}) {
    EXPECT_FALSE(parse_step(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace xlstm
