#include "xlstm/series/timeline.h"

#include <cmath>

#include "xlstm/base/error.h"
#include "xlstm/series/calendar.h"

namespace xlstm {
namespace {

using namespace std::chrono;

constexpr std::int64_t kMicrosOfDay = microseconds(days(1)).count();

// About; a business day is a little more.
double years_in(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kNumber:
      break;
    case TimeUnit::kMicrosecond:
      return 1 / (365.2425 * static_cast<double>(kMicrosOfDay));
    case TimeUnit::kDay:
      return 1 / 365.2425;
    case TimeUnit::kBusinessDay:
      return 1.4 / 365.2425;
    case TimeUnit::kMonth:
      return 1.0 / 12;
  }
  return 0;
}

// Years have four digits, before and after.
bool has_year(const TimePoint& first, double years_on) {
  const double of_year = static_cast<int>(year_month_day(first.day).year()) + years_on;
  return of_year > 0 && of_year < 9998;
}

}  // namespace

Timeline::Timeline(TimePoint first, TimeUnit unit, double step, bool month_ends)
    : first_(std::move(first)), unit_(unit), step_(step), month_ends_(month_ends) {}

bool Timeline::reaches(std::int64_t index) const {
  const double years_on = static_cast<double>(index) * step_ * years_in(unit_);
  return unit_ == TimeUnit::kNumber || has_year(first_, years_on);
}

TimePoint Timeline::at(std::int64_t index) const {
  TimePoint out = first_;
  const double forward = static_cast<double>(index) * step_;
  if (unit_ == TimeUnit::kNumber) {
    out.number += forward;
    return out;
  }
  if (!reaches(index)) {
    fail_wanted(ErrorKind::kUsage, "time", "times from the year 1 to 9997",
                str(to_text(first_), " and ", forward * years_in(unit_), " years"));
  }
  const auto whole = static_cast<std::int64_t>(std::llround(forward));
  switch (unit_) {
    case TimeUnit::kNumber:
      break;
    case TimeUnit::kMicrosecond: {
      const std::int64_t micros = first_.clock.count() + whole;
      const std::int64_t day = floor_div(micros, kMicrosOfDay);
      out.day += days(day);
      out.clock = microseconds(micros - day * kMicrosOfDay);
      break;
    }
    case TimeUnit::kDay:
      out.day += days(whole);
      break;
    case TimeUnit::kBusinessDay:
      out.day = business_day(business_day_count(first_.day) + whole);
      break;
    case TimeUnit::kMonth:
      out.day = in_month(month_count(first_.day) + whole, first_.day, month_ends_);
      break;
  }
  return out;
}

}  // namespace xlstm
