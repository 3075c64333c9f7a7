// Moments as people write them in tables.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xlstm {

enum class TimeForm {
  kNumber,   // 1871, 12.5, 1606780800: years, seconds, whatever its writer counts
  kQuarter,  // 2020Q1, 2020-Q1, 2020 Q1
  kMonth,    // 2020-03, 2020/03
  kWeek,     // 2020-W05
  kDate,     // 2020-03-31, 2020/03/31
  kDateTime  // 2020-03-31T12:30, 2020-03-31 12:30:15.250, with Z or +01:00 behind it
};

// "a date, 2020-03-31"
std::string_view describe(TimeForm form);

// How a moment is written, so that those that follow look like it.
struct TimeStyle {
  TimeForm form = TimeForm::kNumber;
  std::string between = "-";  // of year and month; behind the year of a quarter or week
  char before_clock = 'T';    // or a space
  bool seconds = true;
  int digits = 0;    // behind the decimal point, of a number or of seconds
  std::string zone;  // "", "Z", "+01:00"
};

struct TimePoint {
  TimeStyle style;
  double number = 0;                   // kNumber
  std::chrono::sys_days day{};         // all others: the first of a quarter, month or week (Monday)
  std::chrono::microseconds clock{0};  // of the day, as it is written
  std::chrono::minutes offset{0};      // from UTC
};

// Nothing where it is none: blanks around it are no part of it. Years have four digits.
std::optional<TimePoint> parse_time(std::string_view text);

// A date or month of digits alone, 20200131 or 202001, of the years 1500 to 2999. Where nothing
// says that a column has such it is a number.
std::optional<TimePoint> parse_compact_time(std::string_view text);

std::string to_text(const TimePoint& time);

// The moment of UTC, from 1970 on; of all but numbers.
std::chrono::microseconds instant(const TimePoint& time);
// Of two moments of one form.
bool is_later(const TimePoint& time, const TimePoint& than);

}  // namespace xlstm
