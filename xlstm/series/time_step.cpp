// Steps by their names.
#include <algorithm>
#include <array>
#include <cmath>

#include "xlstm/base/numbers.h"
#include "xlstm/series/cells.h"
#include "xlstm/series/timeline.h"

namespace xlstm {
namespace {

struct UnitName {
  std::string_view word;    // "minute", "minutes"; "" for what data frames alone have
  std::string_view letter;  // as data frames have it: "min"
  TimeUnit unit;
  double count;  // of units in one
  bool month_ends = false;
};

constexpr double kSecond = 1e6;
// Data frames' "M", "Q" and "Y" are ends of months, "ME", "QE" and "YE" since pandas 2.2.
constexpr std::array<UnitName, 17> kUnitNames = {{
    {"second", "s", TimeUnit::kMicrosecond, kSecond},
    {"minute", "min", TimeUnit::kMicrosecond, 60 * kSecond},
    {"hour", "h", TimeUnit::kMicrosecond, 3600 * kSecond},
    {"day", "D", TimeUnit::kDay, 1},
    {"business day", "B", TimeUnit::kBusinessDay, 1},
    {"week", "W", TimeUnit::kDay, 7},
    {"", "M", TimeUnit::kMonth, 1, true},
    {"", "ME", TimeUnit::kMonth, 1, true},
    {"month", "MS", TimeUnit::kMonth, 1},
    {"", "Q", TimeUnit::kMonth, 3, true},
    {"", "QE", TimeUnit::kMonth, 3, true},
    {"quarter", "QS", TimeUnit::kMonth, 3},
    {"", "Y", TimeUnit::kMonth, 12, true},
    {"", "YE", TimeUnit::kMonth, 12, true},
    {"year", "YS", TimeUnit::kMonth, 12},
    {"", "H", TimeUnit::kMicrosecond, 3600 * kSecond},
    {"", "T", TimeUnit::kMicrosecond, 60 * kSecond},
}};

// "W-SUN", "QE-DEC": where weeks and years end or begin, which the first time tells as well.
std::string_view without_anchor(std::string_view name) {
  constexpr std::array<std::string_view, 19> kAnchors = {
      "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN", "JAN", "FEB", "MAR",
      "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
  const std::size_t at = std::min(name.find('-'), name.size());
  const bool anchored = at < name.size() && std::string_view("WQY").find(name[0]) != name.npos &&
                        std::ranges::find(kAnchors, name.substr(at + 1)) != kAnchors.end();
  return anchored ? name.substr(0, at) : name;
}

bool names(const UnitName& unit, std::string_view name) {
  if (without_anchor(name) == unit.letter) return true;
  const bool plural =
      name.size() == unit.word.size() + 1 && name.starts_with(unit.word) && name.back() == 's';
  return !unit.word.empty() && (name == unit.word || plural);
}

}  // namespace

std::optional<NamedStep> parse_step(std::string_view text) {
  constexpr double kMost = 1e6;
  text = without_blanks(text);
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<double> count = digits == 0 ? 1 : parse_decimal(text.substr(0, digits));
  if (!count || *count < 1 || *count > kMost) return {};
  const std::string_view name = without_blanks(text.substr(digits));
  for (const UnitName& unit : kUnitNames) {
    if (names(unit, name)) return NamedStep{unit.unit, *count * unit.count, unit.month_ends};
  }
  return {};
}

std::optional<TimePoint> shown_with(TimePoint time, const NamedStep& step) {
  TimeStyle& style = time.style;
  const TimeForm written = style.form;
  const bool weeks = written == TimeForm::kWeek;
  switch (step.unit) {
    case TimeUnit::kNumber:
      return time;
    case TimeUnit::kMicrosecond:
      style.seconds = (written == TimeForm::kDateTime && style.seconds) ||
                      std::fmod(step.count, 60 * kSecond) != 0;
      style.form = TimeForm::kDateTime;
      break;
    case TimeUnit::kDay:
      if (weeks && std::fmod(step.count, 7) == 0) return time;
      [[fallthrough]];
    case TimeUnit::kBusinessDay:
      if (written != TimeForm::kDateTime) style.form = TimeForm::kDate;
      break;
    case TimeUnit::kMonth:
      if (weeks) return {};
      if (written == TimeForm::kQuarter && std::fmod(step.count, 3) != 0) {
        style.form = TimeForm::kMonth;
      }
      break;
  }
  // "2020Q1" and "2020 Q1" have no sign for dates.
  if (style.form != written && style.between != "/") style.between = "-";
  return time;
}

NamedStep usual_step(TimeForm form) {
  switch (form) {
    case TimeForm::kNumber:
      break;
    case TimeForm::kQuarter:
      return {TimeUnit::kMonth, 3};
    case TimeForm::kMonth:
      return {TimeUnit::kMonth, 1};
    case TimeForm::kWeek:
      return {TimeUnit::kDay, 7};
    case TimeForm::kDate:
      return {TimeUnit::kDay, 1};
    case TimeForm::kDateTime:
      return {TimeUnit::kMicrosecond, 3600 * kSecond};
  }
  return {TimeUnit::kNumber, 1};
}

}  // namespace xlstm
