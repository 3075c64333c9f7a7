// Equal steps in time: found in a table's time column, and continued behind its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "xlstm/series/time_point.h"

namespace xlstm {

// In which unit steps are equal. Months and business days (Monday to Friday) are not in seconds.
enum class TimeUnit { kNumber, kMicrosecond, kDay, kBusinessDay, kMonth };

// Moments 0, 1, 2, ...: the first, and a constant step.
class Timeline {
 public:
  // `step` in units, above 0; of months, `month_ends` makes each the last of its month.
  Timeline(TimePoint first, TimeUnit unit, double step, bool month_ends = false);

  // Throws Error(kUsage) where that is beyond years of four digits.
  TimePoint at(std::int64_t index) const;
  bool reaches(std::int64_t index) const;
  // As the table writes its times.
  std::string text(std::int64_t index) const { return to_text(at(index)); }
  TimeUnit unit() const { return unit_; }
  double step() const { return step_; }  // in units
  bool month_ends() const { return month_ends_; }

 private:
  TimePoint first_;
  TimeUnit unit_;
  double step_;
  bool month_ends_;
};

// Times of rows as moments of a timeline.
struct PlacedTimes {
  Timeline timeline;
  std::vector<std::int64_t> indices;  // [rows], rising from 0; what is left out is a gap
};

// A step that several series share.
struct CommonStep {
  TimeUnit unit;
  double step;      // in units
  bool month_ends;  // whether all times are a month's last day
};

// Of all series' neighbours; of those with three rows or more alone, where there are such. Nothing
// where none has two rows, or where they are of several forms.
std::optional<CommonStep> common_step(std::span<const std::vector<TimePoint>> series);

// The step is the one that most neighbours have: months, quarters and years by the calendar, days,
// business days, else a constant time. Fewer than three rows have the `common` one, where that
// fits. One row alone has the step of its form: a day, a month, ..., an hour for a date with a time
// of day. What is behind the end is as far from UTC as the last row. `row_name(i)` names a row in
// messages. Throws Error(kFormat): times that go backwards, come twice, are not a multiple of the
// step apart, or are of several forms.
PlacedTimes place_times(std::span<const TimePoint> times,
                        const std::function<std::string(std::size_t row)>& row_name,
                        const std::optional<CommonStep>& common = {});

// "month", "3 months", "15 minutes", "D", "2h", "15min", "QE-DEC": unit and count of a step.
// Nothing for others.
struct NamedStep {
  TimeUnit unit;
  double count;
  bool month_ends = false;  // a month's last day goes on as one
};
std::optional<NamedStep> parse_step(std::string_view text);

// The same moment in a form that shows each step from it: hours behind a date as times of day.
// Nothing where there is none: months from a week on.
std::optional<TimePoint> shown_with(TimePoint time, const NamedStep& step);

// The step of a form where nobody says which.
NamedStep usual_step(TimeForm form);

}  // namespace xlstm
