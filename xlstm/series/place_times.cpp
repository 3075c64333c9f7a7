// Rows' times as moments of a timeline.
#include <algorithm>
#include <cmath>

#include "xlstm/base/error.h"
#include "xlstm/series/calendar.h"
#include "xlstm/series/timeline.h"

namespace xlstm {
namespace {

using namespace std::chrono;
using Times = std::span<const TimePoint>;
using RowName = std::function<std::string(std::size_t)>;

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

// Whether that holds for all times of all series.
template <typename Holds>
bool all_times(std::span<const Times> series, const Holds& holds) {
  return std::ranges::all_of(series,
                             [&](Times times) { return std::ranges::all_of(times, holds); });
}

bool on_equal_days_of_months(std::span<const Times> series) {
  const auto day_of = [](const TimePoint& time) { return year_month_day(time.day).day(); };
  const day wanted = day_of(series[0][0]);
  return all_times(series, [&](const TimePoint& time) { return day_of(time) == wanted; });
}

bool on_month_ends(std::span<const Times> series) {
  return all_times(series, [](const auto& time) { return time.day == last_of_month(time.day); });
}

// At the same time of days that rise, by the clock on the wall: offsets from UTC may change.
bool at_equal_clocks(std::span<const Times> series) {
  const auto rise = [](Times times) {
    return std::ranges::adjacent_find(times, std::greater_equal<>(), &TimePoint::day) ==
           times.end();
  };
  const microseconds clock = series[0][0].clock;
  return std::ranges::all_of(series, rise) &&
         all_times(series, [&](const TimePoint& time) { return time.clock == clock; });
}

// Days but for weekends: enough of them, one after the other, that there would have been one.
bool on_business_days(std::span<const Times> series) {
  constexpr std::size_t kRows = 8;
  std::size_t rows = 0, neighbours = 0;
  for (const Times times : series) {
    rows += times.size();
    for (std::size_t i = 1; i < times.size(); ++i) {
      neighbours +=
          business_day_count(times[i].day) - business_day_count(times[i - 1].day) <= 1 ? 1 : 0;
    }
  }
  const auto is_weekday = [](const TimePoint& time) { return !is_weekend(time); };
  return rows >= kRows && neighbours * 2 > rows && all_times(series, is_weekday);
}

TimeUnit unit_of_days(std::span<const Times> series) {
  if (!at_equal_clocks(series)) return TimeUnit::kMicrosecond;
  if (on_equal_days_of_months(series) || on_month_ends(series)) return TimeUnit::kMonth;
  return on_business_days(series) ? TimeUnit::kBusinessDay : TimeUnit::kDay;
}

bool has_days(TimeForm form) {
  return form == TimeForm::kDate || form == TimeForm::kDateTime;
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

void check_order(Times times, const RowName& row_name) {
  for (std::size_t i = 1; i < times.size(); ++i) {
    const TimePoint &before = times[i - 1], &time = times[i];
    if (time.style.form != before.style.form) {
      fail_wanted(ErrorKind::kFormat, row_name(i),
                  str(describe(before.style.form), ", as in the rows before"),
                  quoted(to_text(time)));
    }
    if (is_later(time, before)) continue;
    const bool twice = !is_later(before, time);
    fail_wanted(ErrorKind::kFormat, row_name(i), str("a time after ", to_text(before)),
                to_text(time) + (twice ? ", again" : ", which is before it"));
  }
}

// The unit and step of series of one form, of which one has neighbours at least. The step is the
// middle one of neighbours: what most have, where gaps are few.
CommonStep step_of(std::span<const Times> series) {
  const TimeForm form = series[0][0].style.form;
  const TimeUnit unit = has_days(form) ? unit_of_days(series) : usual_step(form).unit;
  std::vector<double> steps;
  for (const Times times : series) {
    for (std::size_t i = 1; i < times.size(); ++i) {
      steps.push_back(place(times[i], unit) - place(times[i - 1], unit));
    }
  }
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>((steps.size() - 1) / 2);
  std::ranges::nth_element(steps, middle);
  return {unit, *middle, has_days(form) && on_month_ends(series)};
}

constexpr double kInexact = 0.01;  // of a step: decimal fractions are rounded

bool is_whole(double steps) {
  return std::round(steps) >= 1 && std::abs(steps - std::round(steps)) <= kInexact;
}

// Whether a series too short to show its own step may have this one.
bool fits(Times times, const CommonStep& common) {
  if (times.size() > 2) return false;
  if (times.size() == 1) return true;
  const std::span series(&times, 1);
  const bool clocks = common.unit == TimeUnit::kMicrosecond || at_equal_clocks(series);
  const bool months =
      common.unit != TimeUnit::kMonth || on_equal_days_of_months(series) || on_month_ends(series);
  return clocks && months &&
         is_whole((place(times[1], common.unit) - place(times[0], common.unit)) / common.step);
}

std::vector<std::int64_t> indices_of(std::span<const double> places, double step, TimeUnit unit,
                                     const RowName& row_name) {
  const double most = 1000 + 20 * static_cast<double>(places.size());
  std::vector<std::int64_t> out = {0};
  for (std::size_t i = 1; i < places.size(); ++i) {
    const double steps = (places[i] - places[i - 1]) / step;
    const double whole = std::round(steps);
    const bool equal = is_whole(steps);
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

// The first time, written as finely as any, and as far from UTC as the last: what follows goes on
// from there.
TimePoint first_of(Times times, TimeUnit unit) {
  TimePoint out = times[0];
  for (const TimePoint& time : times) {
    out.style.digits = std::max(out.style.digits, time.style.digits);
    out.style.seconds = out.style.seconds || time.style.seconds;
  }
  if (out.style.form != TimeForm::kDateTime) return out;
  if (unit == TimeUnit::kMicrosecond) {
    const microseconds local = instant(out) + times.back().offset;
    out.day = sys_days(floor<days>(local));
    out.clock = local - floor<days>(local);
  }
  out.offset = times.back().offset;
  out.style.zone = times.back().style.zone;
  return out;
}

}  // namespace

std::optional<CommonStep> common_step(std::span<const std::vector<TimePoint>> series) {
  std::vector<Times> all, long_ones;
  for (const auto& times : series) {
    if (times.empty() || times[0].style.form != series[0][0].style.form) return {};
    if (times.size() > 1) all.emplace_back(times);
    if (times.size() > 2) long_ones.emplace_back(times);
  }
  if (all.empty()) return {};
  const CommonStep out = step_of(long_ones.empty() ? all : long_ones);
  return out.step > 0 ? std::optional(out) : std::nullopt;
}

PlacedTimes place_times(std::span<const TimePoint> times, const RowName& row_name,
                        const std::optional<CommonStep>& common) {
  check_order(times, row_name);
  const bool shared = common && fits(times, *common);
  if (times.size() == 1 && !shared) {
    const NamedStep usual = usual_step(times[0].style.form);
    return {Timeline(times[0], usual.unit, usual.count), {0}};
  }
  const std::span series(&times, 1);
  auto [unit, step, month_ends] = shared ? *common : step_of(series);
  std::vector<double> places;
  for (const TimePoint& time : times) places.push_back(place(time, unit));
  auto indices = indices_of(places, step, unit, row_name);
  // Of rounded fractions the mean is better than any one.
  if (unit == TimeUnit::kNumber && !shared) {
    step = (places.back() - places.front()) / static_cast<double>(indices.back());
  }
  month_ends = month_ends && on_month_ends(series);
  return {Timeline(first_of(times, unit), unit, step, month_ends), std::move(indices)};
}

}  // namespace xlstm
