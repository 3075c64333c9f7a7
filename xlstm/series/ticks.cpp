#include "xlstm/series/ticks.h"

#include <algorithm>
#include <cmath>

#include "xlstm/base/numbers.h"

namespace xlstm {
namespace {

using namespace std::chrono;

// The smallest of 1, 2, 5, 10, ... by a power of ten that is at least `least`.
double nice_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string number_label(double value, double step) {
  constexpr double kLarge = 1e7, kSmall = 1e-4;
  if (std::abs(value) < step / 2) return "0";
  if (std::abs(value) >= kLarge || step < kSmall) {
    std::string text;
    append_number(text, value);
    return text;
  }
  return decimals(value, std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9))));
}

// Times between two marks: some months, days or seconds.
struct Spacing {
  enum class Of { kMonths, kDays, kSeconds } of;
  std::int64_t count;
};

constexpr Spacing kSpacings[] = {
    {Spacing::Of::kSeconds, 1},     {Spacing::Of::kSeconds, 5},     {Spacing::Of::kSeconds, 15},
    {Spacing::Of::kSeconds, 30},    {Spacing::Of::kSeconds, 60},    {Spacing::Of::kSeconds, 300},
    {Spacing::Of::kSeconds, 900},   {Spacing::Of::kSeconds, 1800},  {Spacing::Of::kSeconds, 3600},
    {Spacing::Of::kSeconds, 7200},  {Spacing::Of::kSeconds, 14400}, {Spacing::Of::kSeconds, 21600},
    {Spacing::Of::kSeconds, 43200}, {Spacing::Of::kDays, 1},        {Spacing::Of::kDays, 2},
    {Spacing::Of::kDays, 7},        {Spacing::Of::kDays, 14},       {Spacing::Of::kMonths, 1},
    {Spacing::Of::kMonths, 3},      {Spacing::Of::kMonths, 6},      {Spacing::Of::kMonths, 12},
    {Spacing::Of::kMonths, 24},     {Spacing::Of::kMonths, 60},     {Spacing::Of::kMonths, 120},
    {Spacing::Of::kMonths, 240},    {Spacing::Of::kMonths, 600},    {Spacing::Of::kMonths, 1200},
    {Spacing::Of::kMonths, 2400},   {Spacing::Of::kMonths, 6000},   {Spacing::Of::kMonths, 24000},
};

// Of which spacing a moment is: counted from a Monday, or from the year 0.
std::int64_t spacing_of(const TimePoint& time, const Spacing& spacing) {
  constexpr std::int64_t kMonday = 719465;  // days from one long ago to 1970
  const std::int64_t day = time.day.time_since_epoch().count() + kMonday + 1;
  switch (spacing.of) {
    case Spacing::Of::kMonths: {
      const year_month_day date(time.day);
      const std::int64_t months = std::int64_t{static_cast<int>(date.year())} * 12 +
                                  static_cast<unsigned>(date.month()) - 1;
      return months / spacing.count;
    }
    case Spacing::Of::kDays:
      return day / spacing.count;
    case Spacing::Of::kSeconds:
      return (day * 86400 + duration_cast<seconds>(time.clock).count()) / spacing.count;
  }
  return 0;
}

std::string time_label(TimePoint time, const Spacing& spacing) {
  if (spacing.of == Spacing::Of::kMonths && spacing.count >= 12) {
    return std::to_string(static_cast<int>(year_month_day(time.day).year()));
  }
  TimeStyle style;
  style.form = TimeForm::kMonth;
  if (time.style.form == TimeForm::kQuarter) {
    style = time.style;
    style.between = " ";
  } else if (spacing.of == Spacing::Of::kDays) {
    style.form = TimeForm::kDate;
  } else if (spacing.of == Spacing::Of::kSeconds) {
    style.form = TimeForm::kDateTime;
    style.seconds = spacing.count < 60;
  }
  time.style = style;
  const std::string text = to_text(time);
  if (style.form != TimeForm::kDateTime) return text;
  const bool midnight = time.clock.count() == 0;
  return midnight ? text.substr(5, 5) : text.substr(11);
}

std::vector<Tick> calendar_ticks(const Timeline& times, std::int64_t first, std::int64_t count,
                                 std::size_t most) {
  const TimePoint begin = times.at(first), end = times.at(first + count - 1);
  const auto few_enough = [&](const Spacing& spacing) {
    return spacing_of(end, spacing) - spacing_of(begin, spacing) <=
           static_cast<std::int64_t>(most) - 1;
  };
  const Spacing* spacing = std::ranges::find_if(kSpacings, few_enough);
  if (spacing == std::end(kSpacings)) --spacing;
  std::vector<Tick> out;
  for (std::int64_t i = 0; i < count; ++i) {
    const TimePoint time = times.at(first + i);
    const bool begins =
        i > 0 && spacing_of(time, *spacing) != spacing_of(times.at(first + i - 1), *spacing);
    if (begins) out.push_back({static_cast<double>(first + i), time_label(time, *spacing)});
  }
  if (!out.empty()) return out;
  return {{static_cast<double>(first), times.text(first)}};
}

// Of moments that are numbers, value = at * step + begin.
std::vector<Tick> ticks_of_numbers(double begin, double step, std::int64_t first,
                                   std::int64_t count, std::size_t most) {
  const double low = begin + step * static_cast<double>(first);
  std::vector<Tick> ticks = number_ticks(
      low, low + step * static_cast<double>(std::max<std::int64_t>(count - 1, 0)), most);
  for (Tick& tick : ticks) tick.at = (tick.at - begin) / step;
  return ticks;
}

}  // namespace

std::vector<Tick> number_ticks(double low, double high, std::size_t most) {
  const double range = high - low;
  if (!(range > 0) || !std::isfinite(range)) {
    std::string label;
    append_number(label, low);
    return {{low, label}};
  }
  constexpr double kRounding = 1e-9;  // of a step
  double step = nice_step(range / static_cast<double>(std::max<std::size_t>(most, 2)));
  const auto first = [&] { return std::ceil(low / step - kRounding); };
  const auto last = [&] { return std::floor(high / step + kRounding); };
  while (last() - first() + 1 > static_cast<double>(most)) step = nice_step(step * 1.1);
  std::vector<Tick> out;
  for (double i = first(); i <= last(); ++i) {
    out.push_back({i * step, number_label(i * step, step)});
  }
  return out;
}

std::vector<Tick> time_ticks(const std::optional<Timeline>& times, std::int64_t first,
                             std::int64_t count, std::size_t most) {
  if (!times) return ticks_of_numbers(1, 1, first, count, most);
  const bool numbers = times->unit() == TimeUnit::kNumber;
  if (!numbers) return calendar_ticks(*times, first, count, most);
  return ticks_of_numbers(times->at(0).number, times->step(), first, count, most);
}

}  // namespace xlstm
