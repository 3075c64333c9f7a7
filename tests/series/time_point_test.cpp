#include "xlstm/series/time_point.h"

#include <gtest/gtest.h>

namespace xlstm {
namespace {

TEST(TimePoint, IsWrittenAsItWasRead) {
  const std::pair<const char*, TimeForm> cases[] = {
      {"1871", TimeForm::kNumber},
      {"12.50", TimeForm::kNumber},
      {"-3", TimeForm::kNumber},
      {"2020Q1", TimeForm::kQuarter},
      {"1959-Q4", TimeForm::kQuarter},
      {"2020 Q2", TimeForm::kQuarter},
      {"2020-W01", TimeForm::kWeek},
      {"2015-W53", TimeForm::kWeek},
      {"2020W30", TimeForm::kWeek},
      {"2020-03", TimeForm::kMonth},
      {"2020/12", TimeForm::kMonth},
      {"2020-02-29", TimeForm::kDate},
      {"2020/01/31", TimeForm::kDate},
      {"2020-01-31 23:59", TimeForm::kDateTime},
      {"2020-01-31T00:00:01", TimeForm::kDateTime},
      {"2020-01-31T12:30:15.250", TimeForm::kDateTime},
      {"2020-01-31T12:30:15Z", TimeForm::kDateTime},
      {"2020-01-31 12:30:15+05:30", TimeForm::kDateTime},
      {"2020-01-31 12:30-0800", TimeForm::kDateTime},
  };
  for (const auto& [text, form] : cases) {
    const auto time = parse_time(text);
    ASSERT_TRUE(time.has_value()) << text;
    EXPECT_EQ(static_cast<int>(time->style.form), static_cast<int>(form)) << text;
    EXPECT_EQ(to_text(*time), text);
  }
}

TEST(TimePoint, WhatIsNone) {
  for (const char* text : {"",
                           "abc",
                           "2020-13",
                           "2020-00",
                           "2021-02-29",
                           "2020-1",
                           "2020-01-32",
                           "2020-01-01T24:00",
                           "2020-01-01T12:60",
                           "2020-01-01T12:00:00.",
                           "2020-01-01x",
                           "2020Q5",
                           "2020Q",
                           "2020-W54",
                           "2021-W53",
                           "20-01-01",
                           "2020-01/01",
                           "2020-01-01T12:00+15:00",
                           "0000-01",
                           "12:30",
                           "2020-01-31T12+"}) {
    EXPECT_FALSE(parse_time(text).has_value()) << text;
  }
}

TEST(TimePoint, OfDigitsAlone) {
  using namespace std::chrono;
  EXPECT_EQ(parse_compact_time(" 20200229 ")->day, sys_days(2020y / February / 29));
  for (const char* text : {"20200229", "202012"}) {
    EXPECT_EQ(to_text(parse_compact_time(text).value()), text);
  }
  for (const char* text :
       {"20210229", "202013", "202000", "2020", "2020011", "10000101", "x", ""}) {
    EXPECT_FALSE(parse_compact_time(text).has_value()) << text;
  }
}

TEST(TimePoint, WeeksAreThoseOfTheirThursdays) {
  using namespace std::chrono;
  EXPECT_EQ(parse_time("2020-W01")->day, sys_days(2019y / December / 30));
  EXPECT_EQ(parse_time("2021-W01")->day, sys_days(2021y / January / 4));
}

}  // namespace
}  // namespace xlstm
