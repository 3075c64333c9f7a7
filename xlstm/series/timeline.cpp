#include "xlstm/series/timeline.h"

#include <algorithm>
#include <cmath>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

using namespace std::chrono;

constexpr std::int64_t kMicrosOfDay = microseconds(days(1)).count();

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

// The day of another month that is as far in it as `day` is, or that month's last.
sys_days in_month(std::int64_t count, sys_days day, bool month_end) {
  const year_month month_of(year(static_cast<int>(floor_div(count, 12))),
                            month(static_cast<unsigned>(count - floor_div(count, 12) * 12) + 1));
  const sys_days end = month_of / last;
  const sys_days same =
      sys_days(month_of / 1) +
      (day - sys_days(year_month_day(day).year() / year_month_day(day).month() / 1));
  return month_end ? end : std::min(same, end);
}

constexpr std::int64_t kDaysToMonday = 3;  // from the Monday before 1970 to its first day

std::int64_t business_day_count(sys_days day) {
  const std::int64_t days_since = day.time_since_epoch().count() + kDaysToMonday;
  const std::int64_t week = floor_div(days_since, 7);
  return week * 5 + std::min<std::int64_t>(days_since - week * 7, 4);
}

sys_days business_day(std::int64_t count) {
  const std::int64_t week = floor_div(count, 5);
  return sys_days(days(week * 7 + (count - week * 5) - kDaysToMonday));
}

microseconds instant(const TimePoint& time) {
  return time.day.time_since_epoch() + time.clock - time.offset;
}

// Where a moment is, in units from some origin.
double place(const TimePoint& time, TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kNumber:
      return time.number;
    case TimeUnit::kMicrosecond:
      return static_cast<double>(instant(time).count());
    case TimeUnit::kDay:
      return static_cast<double>(time.day.time_since_epoch().count());
    case TimeUnit::kBusinessDay:
      return static_cast<double>(business_day_count(time.day));
    case TimeUnit::kMonth:
      return static_cast<double>(month_count(time.day));
  }
  return 0;
}

bool is_weekend(const TimePoint& time) {
  const weekday day(time.day);
  return day == Saturday || day == Sunday;
}

bool on_equal_days_of_months(std::span<const TimePoint> times) {
  const auto day_of = [](const TimePoint& time) { return year_month_day(time.day).day(); };
  return std::ranges::all_of(times, [&](const auto& t) { return day_of(t) == day_of(times[0]); });
}

bool on_month_ends(std::span<const TimePoint> times) {
  return std::ranges::all_of(times, [](const auto& t) { return t.day == last_of_month(t.day); });
}

bool at_equal_clocks(std::span<const TimePoint> times) {
  return std::ranges::all_of(times, [&](const TimePoint& time) {
    return time.clock == times[0].clock && time.offset == times[0].offset;
  });
}

// Days but for weekends: enough of them, one after the other, that there would have been one.
bool on_business_days(std::span<const TimePoint> times) {
  constexpr std::size_t kRows = 8;
  if (times.size() < kRows || std::ranges::any_of(times, is_weekend)) return false;
  std::size_t neighbours = 0;
  for (std::size_t i = 1; i < times.size(); ++i) {
    neighbours +=
        place(times[i], TimeUnit::kBusinessDay) - place(times[i - 1], TimeUnit::kBusinessDay) <= 1;
  }
  return neighbours * 2 > times.size();
}

TimeUnit unit_of_days(std::span<const TimePoint> times) {
  if (!at_equal_clocks(times)) return TimeUnit::kMicrosecond;
  if (times.size() > 1 && (on_equal_days_of_months(times) || on_month_ends(times))) {
    return TimeUnit::kMonth;
  }
  return on_business_days(times) ? TimeUnit::kBusinessDay : TimeUnit::kDay;
}

TimeUnit unit_of(std::span<const TimePoint> times) {
  switch (times[0].style.form) {
    case TimeForm::kNumber:
      return TimeUnit::kNumber;
    case TimeForm::kQuarter:
    case TimeForm::kMonth:
      return TimeUnit::kMonth;
    case TimeForm::kWeek:
      return TimeUnit::kDay;
    case TimeForm::kDate:
    case TimeForm::kDateTime:
      return times.size() == 1 ? usual_step(times[0].style.form).unit : unit_of_days(times);
  }
  return TimeUnit::kNumber;
}

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
void check_year(const TimePoint& first, double years_on) {
  const double of_year = static_cast<int>(year_month_day(first.day).year()) + years_on;
  if (of_year > 0 && of_year < 9998) return;
  fail_wanted(ErrorKind::kUsage, "time", "times from the year 1 to 9997",
              str(to_text(first), " and ", years_on, " years"));
}

std::string text_of_step(double step, TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kNumber:
      return str(step);
    case TimeUnit::kMicrosecond:
      return str(step / 1e6, " seconds");
    case TimeUnit::kDay:
      return str(step, " days");
    case TimeUnit::kBusinessDay:
      return str(step, " business days");
    case TimeUnit::kMonth:
      return str(step, " months");
  }
  return "";
}

void check_order(std::span<const TimePoint> times,
                 const std::function<std::string(std::size_t)>& row_name) {
  for (std::size_t i = 1; i < times.size(); ++i) {
    const TimePoint &before = times[i - 1], &time = times[i];
    if (time.style.form != before.style.form) {
      fail_wanted(ErrorKind::kFormat, row_name(i),
                  str(describe(before.style.form), ", as in the rows before"),
                  quoted(to_text(time)));
    }
    const bool number = time.style.form == TimeForm::kNumber;
    const bool later = number ? time.number > before.number : instant(time) > instant(before);
    if (later) continue;
    const bool twice = number ? time.number == before.number : instant(time) == instant(before);
    fail_wanted(ErrorKind::kFormat, row_name(i), str("a time after ", to_text(before)),
                to_text(time) + (twice ? ", again" : ", which is before it"));
  }
}

// The one of neighbours in the middle: what most have, where gaps are few.
double middle_step(std::span<const double> places) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < places.size(); ++i) steps.push_back(places[i] - places[i - 1]);
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>((steps.size() - 1) / 2);
  std::ranges::nth_element(steps, middle);
  return *middle;
}

std::vector<std::int64_t> indices_of(std::span<const double> places, double step, TimeUnit unit,
                                     const std::function<std::string(std::size_t)>& row_name) {
  constexpr double kInexact = 0.01;  // of a step: decimal fractions are rounded
  const double most = 1000 + 20 * static_cast<double>(places.size());
  std::vector<std::int64_t> out = {0};
  for (std::size_t i = 1; i < places.size(); ++i) {
    const double steps = (places[i] - places[i - 1]) / step;
    const double whole = std::round(steps);
    const bool equal = whole >= 1 && std::abs(steps - whole) <= kInexact;
    if (!equal || static_cast<double>(out.back()) + whole > most) {
      fail_wanted(ErrorKind::kFormat, row_name(i),
                  str("a time ", equal ? "not so many" : "some whole", " steps of ",
                      text_of_step(step, unit), " after the row before"),
                  text_of_step(places[i] - places[i - 1], unit));
    }
    out.push_back(out.back() + static_cast<std::int64_t>(whole));
  }
  return out;
}

}  // namespace

Timeline::Timeline(TimePoint first, TimeUnit unit, double step, bool month_ends)
    : first_(std::move(first)), unit_(unit), step_(step), month_ends_(month_ends) {}

TimePoint Timeline::at(std::int64_t index) const {
  TimePoint out = first_;
  const double forward = static_cast<double>(index) * step_;
  if (unit_ == TimeUnit::kNumber) {
    out.number += forward;
    return out;
  }
  check_year(first_, forward * years_in(unit_));
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

PlacedTimes place_times(std::span<const TimePoint> times,
                        const std::function<std::string(std::size_t)>& row_name) {
  check_order(times, row_name);
  TimePoint first = times[0];
  for (const TimePoint& time : times) {
    first.style.digits = std::max(first.style.digits, time.style.digits);
  }
  const TimeUnit unit = unit_of(times);
  if (times.size() == 1) {
    return {Timeline(first, unit, usual_step(first.style.form).count), {0}};
  }
  std::vector<double> places;
  for (const TimePoint& time : times) places.push_back(place(time, unit));
  double step = middle_step(places);
  auto indices = indices_of(places, step, unit, row_name);
  // Of rounded fractions the mean is better than any one.
  if (unit == TimeUnit::kNumber) {
    step = (places.back() - places.front()) / static_cast<double>(indices.back());
  }
  const bool dates = first.style.form == TimeForm::kDate || first.style.form == TimeForm::kDateTime;
  return {Timeline(first, unit, step, dates && on_month_ends(times)), std::move(indices)};
}

}  // namespace xlstm
