#include "xlstm/series/calendar.h"

#include <algorithm>

namespace xlstm {

using namespace std::chrono;

namespace {

constexpr std::int64_t kDaysToMonday = 3;  // from the Monday before 1970 to its first day

}  // namespace

std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

std::int64_t month_count(sys_days day) {
  const year_month_day date(day);
  return std::int64_t{static_cast<int>(date.year())} * 12 + static_cast<unsigned>(date.month()) - 1;
}

sys_days last_of_month(sys_days day) {
  const year_month_day date(day);
  return date.year() / date.month() / last;
}

sys_days in_month(std::int64_t count, sys_days day, bool month_end) {
  const year_month month_of(year(static_cast<int>(floor_div(count, 12))),
                            month(static_cast<unsigned>(count - floor_div(count, 12) * 12) + 1));
  const sys_days end = month_of / last;
  const sys_days same =
      sys_days(month_of / 1) +
      (day - sys_days(year_month_day(day).year() / year_month_day(day).month() / 1));
  return month_end ? end : std::min(same, end);
}

std::int64_t business_day_count(sys_days day) {
  const std::int64_t days_since = day.time_since_epoch().count() + kDaysToMonday;
  const std::int64_t week = floor_div(days_since, 7);
  return week * 5 + std::min<std::int64_t>(days_since - week * 7, 4);
}

sys_days business_day(std::int64_t count) {
  const std::int64_t week = floor_div(count, 5);
  return sys_days(days(week * 7 + (count - week * 5) - kDaysToMonday));
}

}  // namespace xlstm
